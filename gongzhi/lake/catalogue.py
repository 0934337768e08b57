"""The data catalogue: whose each dataset is, where it comes from, how it becomes a figure, how sensitive it is."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from gongzhi.lake import schemas
from gongzhi.lake.queries import QUERIES


@dataclass(frozen=True, slots=True)
class Dataset:
    """One dataset or figure.

    Attributes:
        lineage: from the act to here, each step by the name under which it is found in the code.
        sensitivity: public, internal or personal.
    """

    name: str
    title_en: str
    title_zh: str
    owner: str
    source: str
    lineage: tuple[str, ...]
    refresh: str
    sensitivity: str


_LAKE: Final = ("ledger.acts", "lake.export")
_EVERY_HOUR: Final = "every hour (lake.refresh), or gongzhi lake export"
_TITLES: Final = {
    "acts_by_month": ("Acts by month", "各月行为记录"),
    "received_by_day": ("Matters received by day", "每日受理办件"),
    "busy_hours": ("Busy hours", "忙闲时段"),
    "organisations_load": ("Load of the organisations", "各单位承办情况"),
    "handovers": ("Handovers between organisations", "单位间转派"),
    "steps": ("Steps of a case", "办理环节"),
    "circulation": ("Circulating matters", "反复流转办件"),
    "by_channel_and_language": ("Channel, language, time of day", "渠道、语言与时段"),
}

TABLES: Final = (
    Dataset(
        "masked/acts", "Acts, without persons", "行为记录（脱敏）", "data office", "the public ledger",
        _LAKE, _EVERY_HOUR, "public",
    ),
    Dataset(
        "masked/cases", "Cases, personal data masked", "办件（脱敏）", "data office", "cases, as everybody may see them",
        (*_LAKE, "cases.personal_text"), _EVERY_HOUR, "public",
    ),
    Dataset(
        "unmasked/acts", "Acts with reasons and posts", "行为记录（原始）", "data office", "the ledger",
        _LAKE, _EVERY_HOUR, "internal",
    ),
    Dataset(
        "unmasked/cases", "Cases as they were written", "办件（原始）", "data office", "cases",
        _LAKE, _EVERY_HOUR, "personal",
    ),
)  # fmt: skip

FIGURES: Final = (
    Dataset(
        "forecast", "Forecast of matters", "办件量预测", "analysts", "masked/cases",
        (*_LAKE, "masked/cases", "received_by_day", "sensing.forecasts"), "each night", "public",
    ),
    Dataset(
        "alerts", "Unusual counts", "异常波动", "analysts", "masked/cases",
        (*_LAKE, "masked/cases", "received_by_day", "sensing.anomalies"), "each hour", "internal",
    ),
    Dataset(
        "hot_issues", "Hot issues", "热点问题", "analysts", "masked/cases",
        (*_LAKE, "masked/cases", "sensing.hot_issues"), "each hour", "public",
    ),
    Dataset(
        "needs", "Who asks for what", "诉求画像", "analysts", "unmasked/cases, groups of ten and more only",
        (*_LAKE, "unmasked/cases", "sensing.needs"), "on demand", "internal",
    ),
    Dataset(
        "grid", "Figures per cell, street, district", "网格统计", "analysts", "masked/cases and the registry",
        (*_LAKE, "masked/cases", "sensing.grid"), "on demand", "public",
    ),
)  # fmt: skip


def datasets() -> list[Dataset]:
    """Tables, answers to the questions of `queries`, and figures made from them."""
    answers = [
        Dataset(
            name, *_TITLES[name], "analysts", "masked/acts, masked/cases",
            (*_LAKE, "masked/acts, masked/cases", f"lake.queries.{name}"), "when asked", "public",
        )
        for name in QUERIES
    ]  # fmt: skip
    return [*TABLES, *answers, *FIGURES]


def document() -> dict[str, Any]:
    """The catalogue as JSON, with the columns of the tables."""
    found = []
    for dataset in datasets():
        entry: dict[str, Any] = asdict(dataset) | {"lineage": list(dataset.lineage)}
        form, _, table = dataset.name.partition("/")
        if table in schemas.TABLES:
            entry["version"] = schemas.VERSION
            entry["columns"] = [
                {"name": c.name, "type": c.type, "meaning": c.meaning}
                for c in schemas.columns(table, masked=form == "masked")
            ]
        found.append(entry)
    return {"datasets": found}
