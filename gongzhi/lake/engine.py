"""Where an expression runs: DuckDB in this process, or Spark when a city has outgrown one machine.

`LAKE_ENGINE` names it: nothing or ``duckdb``, or the address of a master such as ``spark://10.0.0.1:7077``.
The expressions of `queries` are the same for both; only the SQL they become differs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import duckdb
import ibis

from gongzhi.lake import schemas
from gongzhi.lake.store import Lake

_TYPES = {
    "BIGINT": "int64",
    "INTEGER": "int32",
    "SMALLINT": "int16",
    "TINYINT": "int8",
    "DOUBLE": "float64",
    "BOOLEAN": "boolean",
    "VARCHAR": "string",
    "TIMESTAMP": "timestamp(6)",
    "DATE": "date",
}


class EngineInvalid(ValueError):
    """The engine cannot be used; the sentence says what to do."""


@dataclass(frozen=True, slots=True)
class Result:
    """A table: names of the columns and rows of plain values."""

    columns: list[str]
    rows: list[tuple[Any, ...]]


class Engine(Protocol):
    """Runs expressions over tables that were made known to it."""

    def know(self, table: str, files: Sequence[Path], columns: Sequence[schemas.Column]) -> None: ...

    def run(self, expression: ibis.Table) -> Result: ...

    def close(self) -> None: ...


def unbound(table: str, *, masked: bool = True) -> ibis.Table:
    """A table of the lake as an expression without data."""
    schema = {c.name: _TYPES[c.type] for c in schemas.columns(table, masked=masked)}
    return ibis.table(schema, name=table)


def sql(expression: ibis.Table, dialect: str) -> str:
    """The SQL of an expression."""
    return str(ibis.to_sql(expression, dialect=dialect))


@contextmanager
def opened(lake: Lake, *, masked: bool = True, address: str | None = None) -> Iterator[Engine]:
    """An engine that knows the tables of a lake.

    Args:
        address: what `LAKE_ENGINE` would say; default the environment.

    Raises:
        EngineInvalid: the engine is unknown or not installed.
    """
    wanted = os.environ.get("LAKE_ENGINE", "") if address is None else address
    engine: Engine = (
        DuckDB()
        if wanted in ("", "duckdb")
        else Spark(wanted)
        if wanted.startswith(("spark://", "local["))
        else _refused(wanted)
    )
    try:
        for table in schemas.TABLES:
            engine.know(table, lake.files(table, masked=masked), schemas.columns(table, masked=masked))
        yield engine
    finally:
        engine.close()


def _refused(address: str) -> Engine:
    raise EngineInvalid(f"LAKE_ENGINE is {address!r}: leave it empty for DuckDB or give spark://host:port")


class DuckDB:
    """In this process, over the files as they lie."""

    def __init__(self) -> None:
        self._db = duckdb.connect()
        self._db.execute("SET TimeZone = 'UTC'")

    def know(self, table: str, files: Sequence[Path], columns: Sequence[schemas.Column]) -> None:
        if files:
            listed = ", ".join("'" + str(f).replace("'", "''") + "'" for f in files)
            self._db.execute(
                f"CREATE OR REPLACE VIEW {table} AS SELECT * FROM read_parquet([{listed}], hive_partitioning = false)"
            )
        else:
            typed = ", ".join(f'"{c.name}" {c.type}' for c in columns)
            self._db.execute(f"CREATE OR REPLACE TABLE {table} ({typed})")

    def run(self, expression: ibis.Table) -> Result:
        found = self._db.execute(sql(expression, "duckdb"))
        return Result([str(d[0]) for d in found.description or []], found.fetchall())

    def close(self) -> None:
        self._db.close()


class Spark:
    """On a Spark cluster; pyspark is an extra (requirements/spark.in), Java 17 must be on the machine."""

    def __init__(self, master: str) -> None:
        try:
            from pyspark.sql import SparkSession
        except ImportError as problem:
            raise EngineInvalid(
                "LAKE_ENGINE names Spark but pyspark is not installed: pip install -r requirements/spark.in"
            ) from problem
        _ = ibis.pyspark  # loading it sets options that its SQL depends on
        self._spark = (
            SparkSession.builder.master(master)
            .appName("gongzhi lake")
            .config("spark.sql.session.timeZone", "UTC")
            .config("spark.sql.ansi.enabled", "true")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", os.environ.get("LAKE_SPARK_PARTITIONS", "64"))
            .getOrCreate()
        )

    def know(self, table: str, files: Sequence[Path], columns: Sequence[schemas.Column]) -> None:
        typed = ", ".join(
            f"`{c.name}` {'STRING' if c.type == 'VARCHAR' else 'TIMESTAMP_NTZ' if c.type == 'TIMESTAMP' else c.type}"
            for c in columns
        )
        frame = (
            self._spark.read.schema(typed).parquet(*map(str, files))
            if files
            else self._spark.createDataFrame([], typed)
        )
        frame.createOrReplaceTempView(table)

    def run(self, expression: ibis.Table) -> Result:
        frame = self._spark.sql(sql(expression, "pyspark"))
        return Result(list(frame.columns), [tuple(row) for row in frame.collect()])

    def close(self) -> None:
        self._spark.stop()
