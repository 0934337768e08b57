"""What the tables of the lake hold. A change of columns raises the version and writes the table anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its type in DuckDB, what it means, and whether the masked table has it."""

    name: str
    type: str
    meaning: str
    is_masked: bool = True


ACTS: Final = (
    Column("seq", "BIGINT", "position in the public log, from 0, without gaps"),
    Column("at", "TIMESTAMP", "when it was recorded, UTC"),
    Column("day", "DATE", "the same in the city's time zone"),
    Column("hour", "TINYINT", "hour of that day, 0 to 23"),
    Column("verb", "VARCHAR", "what was done, such as case.transfer"),
    Column("actor_kind", "VARCHAR", "who did it: system, anonymous, person"),
    Column("organisation", "VARCHAR", "code of the organisation for which it was done"),
    Column("subject_kind", "VARCHAR", "what it was done to, such as case"),
    Column("subject", "BIGINT", "number of that inside this lake, joins with cases.id"),
    Column("act", "BIGINT", "id of the act", False),
    Column("actor", "BIGINT", "id of the person", False),
    Column("post", "BIGINT", "id of the post", False),
    Column("mandate", "BIGINT", "id of the mandate", False),
    Column("subject_key", "VARCHAR", "number of the case", False),
    Column("details", "VARCHAR", "details as JSON", False),
    Column("reason", "VARCHAR", "the reason that was given", False),
)

CASES: Final = (
    Column("id", "BIGINT", "number inside this lake"),
    Column("number", "VARCHAR", "case number; empty in the masked table when the case is not public"),
    Column("kind", "VARCHAR", "concern, application, …"),
    Column("channel", "VARCHAR", "how it came"),
    Column("language", "VARCHAR", "language of the requester"),
    Column("state", "VARCHAR", "where it stands"),
    Column("closure", "VARCHAR", "how it ended"),
    Column("urgency", "VARCHAR", "normal, urgent, emergency"),
    Column("is_public", "BOOLEAN", "whether everybody may read it"),
    Column("function", "VARCHAR", "code of the function, empty when none was found"),
    Column("area", "VARCHAR", "code of the smallest area"),
    Column("street", "VARCHAR", "code of the street around it"),
    Column("district", "VARCHAR", "code of the district around it"),
    Column("organisation", "VARCHAR", "code of the organisation that holds it"),
    Column("opened_at", "TIMESTAMP", "when it was received, UTC"),
    Column("day", "DATE", "the same in the city's time zone"),
    Column("hour", "TINYINT", "hour of that day, 0 to 23"),
    Column("resolved_at", "TIMESTAMP", "when it was resolved"),
    Column("closed_at", "TIMESTAMP", "when it was closed"),
    Column("due_at", "TIMESTAMP", "its deadline"),
    Column("returns", "SMALLINT", "how often it was refused"),
    Column("transfers", "SMALLINT", "how often it was sent on"),
    Column("supporters", "INTEGER", "people who joined it"),
    Column("public_lng", "DOUBLE", "where everybody sees it, WGS 84"),
    Column("public_lat", "DOUBLE", "where everybody sees it, WGS 84"),
    Column("public_text", "VARCHAR", "its text with personal data masked; empty when not public"),
    Column("confidence", "DOUBLE", "how sure the reading of the function was, 0 to 1"),
    Column("lng", "DOUBLE", "the reported place", False),
    Column("lat", "DOUBLE", "the reported place", False),
    Column("address", "VARCHAR", "the reported address", False),
    Column("text", "VARCHAR", "what the requester wrote", False),
    Column(
        "requester", "VARCHAR", "pseudonym of the requester, the same for the same phone or account", False
    ),
)

TABLES: Final = {"acts": ACTS, "cases": CASES}
KEY: Final = {"acts": "seq", "cases": "id"}
MONTH_OF: Final = {"acts": "day", "cases": "day"}


def columns(table: str, *, masked: bool) -> list[Column]:
    """The columns of a table, as anybody or as the few who may see all of it see them."""
    return [c for c in TABLES[table] if c.is_masked or not masked]


def dataset(table: str, *, masked: bool) -> str:
    """The name of one of the two forms of a table, which is also its folder."""
    return f"{'masked' if masked else 'unmasked'}/{table}"
