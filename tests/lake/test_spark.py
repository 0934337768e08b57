"""Every question has the same answer on DuckDB and on a real Spark cluster: a master and two workers on loopback."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from gongzhi.lake import engine, queries
from gongzhi.lake.store import Lake
from tests.lake import made_up
from tests.oracles import ROOT

PYTHON = Path(
    os.environ.get(
        "SPARK_PYTHON",
        sys.executable if importlib.util.find_spec("pyspark") else ROOT / ".venv-spark/bin/python",
    )
)
ANSWERS = """
import json, sys
from pathlib import Path
from gongzhi.lake import engine, queries
from gongzhi.lake.store import Lake
with engine.opened(Lake(Path(sys.argv[1]))) as spark:
    found = {name: queries.ask(spark, name) for name in queries.QUERIES}
    executors = spark._spark.sparkContext._jsc.sc().getExecutorMemoryStatus().size() - 1
print(json.dumps({"executors": executors, "answers": {
    name: [[v.isoformat() if hasattr(v, "isoformat") else v for v in row] for row in r.rows] for name, r in found.items()}}))
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a master with two workers."""
    if not PYTHON.exists():
        pytest.skip(
            "pyspark is not installed: python -m venv .venv-spark && .venv-spark/bin/pip install -r requirements/spark.in"
        )
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java 17 on the machine: java is not installed")
    where = subprocess.run(
        [str(PYTHON), "-c", "import pyspark; print(pyspark.__path__[0])"],
        capture_output=True,
        text=True,
        check=True,
    )
    home = where.stdout.strip()
    work = tmp_path_factory.mktemp("spark")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"spark://127.0.0.1:{port}"
    settings = os.environ | {
        "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_HOME": home, "SPARK_SCALA_VERSION": "2.13", "PYSPARK_PYTHON": str(PYTHON),
    }  # fmt: skip

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        with (work / "log").open("ab") as log:
            command = ["java", "-Xmx300m", "-cp", f"{home}/jars/*", *arguments]
            return subprocess.Popen(command, env=settings, stdout=log, stderr=log)

    deploy = "org.apache.spark.deploy"
    running = [
        start(f"{deploy}.master.Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", "0")
    ]
    try:
        for _ in range(240):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert running[0].poll() is None, "the master ended"
            time.sleep(0.25)
        worker = (
            "--host",
            "127.0.0.1",
            "--cores",
            "1",
            "--memory",
            "700m",
            "--webui-port",
            "0",
            "--work-dir",
            str(work),
        )
        running += [start(f"{deploy}.worker.Worker", *worker, address) for _ in range(2)]
        yield address
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(timeout=30)


def test_duckdb_and_spark_answer_every_question_alike(cluster: str, tmp_path: Path) -> None:
    lake = made_up.lake(tmp_path, cases=1_000)
    done = subprocess.run(
        [str(PYTHON), "-c", ANSWERS, str(tmp_path)],
        env=os.environ
        | {
            "LAKE_ENGINE": cluster, "LAKE_SPARK_PARTITIONS": "2", "PYTHONPATH": str(ROOT),
            "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": str(PYTHON),
            "PYSPARK_SUBMIT_ARGS": "--conf spark.executor.memory=512m --conf spark.driver.memory=512m "
            "--conf spark.scheduler.minRegisteredResourcesRatio=1.0 "
            "--conf spark.scheduler.maxRegisteredResourcesWaitingTime=120s --conf spark.cores.max=2 --conf spark.sql.codegen.wholeStage=false pyspark-shell",
        },
        capture_output=True, text=True, timeout=560,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    spark = json.loads(done.stdout.splitlines()[-1])
    assert spark["executors"] == 2, "both workers took part"
    with engine.opened(lake, address="duckdb") as opened:
        for name in queries.QUERIES:
            ours = [[_plain(v) for v in row] for row in queries.ask(opened, name).rows]
            assert ours, f"{name} is tried on something"
            assert len(ours) == len(spark["answers"][name]), name
            for mine, theirs in zip(ours, spark["answers"][name], strict=True):
                assert mine == pytest.approx(theirs) if _is_numeric(mine) else mine == theirs, name


def test_an_engine_that_is_not_installed_says_what_to_do(tmp_path: Path) -> None:
    if importlib.util.find_spec("pyspark"):
        pytest.skip("pyspark is installed here")
    with pytest.raises(engine.EngineInvalid, match=r"requirements/spark\.in"):
        with engine.opened(Lake(tmp_path), address="spark://127.0.0.1:7077"):
            pass


def test_questions_count_what_plain_sql_counts(tmp_path: Path) -> None:
    lake = made_up.lake(tmp_path, cases=500)
    acts = [str(f) for f in lake.files("acts")]
    plain = duckdb.sql(
        f"""SELECT o, organisation, count(*), count(DISTINCT subject) FROM (
              SELECT subject, organisation, lag(organisation) OVER (PARTITION BY subject ORDER BY seq) o
              FROM read_parquet({acts}, hive_partitioning = false) WHERE organisation <> '')
            WHERE o <> organisation GROUP BY ALL ORDER BY ALL"""
    ).fetchall()
    with engine.opened(lake, address="") as opened:
        assert queries.ask(opened, "handovers").rows == plain
    assert plain


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value


def _is_numeric(row: list[Any]) -> bool:
    return all(isinstance(v, int | float) for v in row)
