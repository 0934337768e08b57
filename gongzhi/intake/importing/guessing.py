"""Finding out what the columns of an unknown file mean, from their names and their contents."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence
from typing import Any

from gongzhi.intake.importing.maps import BUILT_IN, MapInvalid, folded, read_map
from gongzhi.intake.importing.times import read_time

SAMPLE_ROWS = 300

_NAMES: dict[str, tuple[str, ...]] = {
    "id": (
        "id", "unique key", "case id", "case number", "request id", "service request id",
        "service request number", "sr number", "ticket id", "ticket number", "reference", "record id",
        "msg_id", "message id", "编号", "工单号", "工单编号", "留言编号", "受理编号", "办件编号", "流水号",
        "序号", "row", "row id", "number",
    ),
    "title": ("title", "subject", "headline", "summary", "标题", "主题", "留言主题", "事项标题"),
    "text": (
        "text", "description", "details", "detail", "content", "body", "message", "comment",
        "comments", "complaint", "request", "issue", "problem", "内容", "正文", "描述", "留言详情",
        "诉求内容", "问题描述", "反映内容", "tokens", "诉求",
    ),
    "function": (
        "function", "category", "type", "label", "service name", "request type", "service type",
        "complaint type", "sr type", "case type", "issue type", "topic", "分类", "类别", "标签",
        "一级标签", "一级分类", "事项", "问题类型", "诉求类型",
    ),
    "detail": (
        "descriptor", "subtype", "sub type", "subcategory", "sub category", "problem detail",
        "service subtype", "二级标签", "二级分类", "细类", "小类",
    ),
    "organisation": (
        "organisation", "organization", "agency", "department", "agency responsible", "owner",
        "handled by", "部门", "承办单位", "责任单位", "办理单位", "主办单位", "处理部门",
    ),
    "opened": (
        "opened", "created", "created date", "created at", "date created", "open date", "opened at",
        "requested datetime", "date", "time", "timestamp", "submitted", "submitted at", "received",
        "date received", "时间", "日期", "留言时间", "受理时间", "提交时间", "创建时间", "反映时间", "来件时间",
    ),
    "closed": (
        "closed", "closed date", "close date", "date closed", "closed at", "resolved",
        "resolved at", "completed", "completion date", "end date", "reply time", "办结时间",
        "答复时间", "回复时间", "完成时间", "结束时间",
    ),
    "due": ("due", "due date", "deadline", "expected datetime", "sla date", "截止时间", "办理期限", "期限"),
    "updated": ("updated", "updated at", "updated date", "last updated", "updated datetime", "status date", "更新时间"),
    "lat": ("lat", "latitude", "纬度", "y lat"),
    "lng": ("lng", "lon", "long", "longitude", "经度"),
    "address": ("address", "location", "incident address", "street address", "street", "地址", "地点", "事发地点", "位置"),
    "resolution": (
        "resolution", "resolution description", "reply", "response", "answer", "status notes",
        "答复", "回复", "答复意见", "处理结果", "办理结果", "回复内容",
    ),
    "organisation_name": ("agency name", "department name", "organisation name", "单位名称"),
    "status": ("status", "state", "case status", "request status", "状态", "办理状态"),
    "channel": ("channel", "method received", "source channel", "open data channel type", "渠道", "来源渠道", "受理渠道"),
    "district": ("district", "borough", "council district", "区县", "行政区", "所属区", "辖区"),
    "street": ("neighborhood", "neighbourhood", "community board", "ward", "街道", "镇街", "所属街道"),
}  # fmt: skip
_ONE_COLUMN = frozenset(
    {"id", "function", "organisation", "opened", "closed", "due", "updated", "lat", "lng", "status"}
)
_CLOSED_WORDS = re.compile(r"clos|resolv|complet|done|finish|fixed|办结|已结|完成|已回复|已答复|归档", re.I)
_DUPLICATE_WORDS = re.compile(r"duplic|重复", re.I)
_WITHDRAWN_WORDS = re.compile(r"cancel|withdraw|void|撤", re.I)
_WORKING_WORDS = re.compile(r"progress|pending|started|process|assigned|办理中|处理中|承办", re.I)
_CHANNELS = (
    ("phone", re.compile(r"phone|call|hotline|电话|热线", re.I)),
    ("app", re.compile(r"mobile|app|手机", re.I)),
    ("wechat", re.compile(r"wechat|微信", re.I)),
    ("email", re.compile(r"mail|邮", re.I)),
    ("counter", re.compile(r"counter|walk|person|窗口|来访|现场", re.I)),
    ("web", re.compile(r"web|online|internet|site|网", re.I)),
    ("api", re.compile(r"\bapi\b", re.I)),
)
_HAN = re.compile(r"[\u4e00-\u9fff]")


def guess(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[str, Any]:
    """A map for an unknown file; a map that comes with gongzhi, if the file is of its kind.

    Files with the same columns are taken for the same source, so that the export of the next month
    meets the one of this month.

    Args:
        columns: the header.
        rows: some of the first records, with one value for every column.

    Raises:
        MapInvalid: nothing in the file reads like a text.
    """
    for name in BUILT_IN:
        built_in = read_map(name)
        if _is_of_kind(built_in, columns):
            return built_in
    taken: dict[str, str] = {}
    free = {folded(name): name for name in columns if name}
    for meaning, names in _NAMES.items():
        for name in names:
            column = free.get(folded(name))
            if column is not None and _fits(meaning, _values(columns, rows, column)):
                taken[meaning] = column
                del free[folded(name)]
                break
    _guess_by_content(columns, rows, taken, free)
    text = [taken[m] for m in ("title", "text") if m in taken]
    if not text:
        text = [taken[m] for m in ("function", "detail") if m in taken]
    if not text:
        raise MapInvalid(
            "No column reads like a text. Write a map (see docs/importing.md) that says which one is. "
            f"The file has: {', '.join(columns)}"
        )
    document: dict[str, Any] = {
        "source": f"table-{_signature(columns)}",
        "language": _language(columns, rows, text),
        "text": text,
        "day_first": _is_day_first(columns, rows, taken),
        "areas": [
            {"column": taken[level], "level": level} for level in ("district", "street") if level in taken
        ],
        "unknown_values": ["unknown", "unspecified", "未知", "不详"],
    }
    for meaning in (
        "id", "function", "organisation", "organisation_name", "opened", "closed", "due", "updated", "lat", "lng",
        "resolution", "status", "channel", "address",
    ):  # fmt: skip
        if meaning in taken:
            document[meaning] = taken[meaning]
    if "detail" in taken:
        document["function"] = taken["detail"]
        if "function" in taken:
            document["function_parent"] = taken["function"]
    if "status" in taken:
        document["statuses"] = _statuses(_values(columns, rows, taken["status"]))
    elif "resolution" in taken and "closed" not in document:
        document.pop("resolution")
    if "channel" in taken:
        document["channels"] = _channels(_values(columns, rows, taken["channel"]))
    return document


def _is_of_kind(document: dict[str, Any], columns: Sequence[str]) -> bool:
    """Whether nearly all columns that a map speaks of are there."""
    have = {folded(name) for name in columns}
    spoken = [document[k] for k in document if k in _ONE_COLUMN]
    names = [[entry] if isinstance(entry, str) else entry for entry in spoken]
    there = sum(any(folded(n) in have for n in alternatives) for alternatives in names)
    return there >= max(6, 0.8 * len(names))


def _signature(columns: Sequence[str]) -> str:
    joined = "\x1f".join(sorted(folded(name) for name in columns))
    return hashlib.sha256(joined.encode()).hexdigest()[:10]


def _values(columns: Sequence[str], rows: Sequence[Sequence[str]], column: str) -> list[str]:
    place = list(columns).index(column)
    return [row[place].strip() for row in rows if row[place].strip()]


def _share(values: Sequence[str], test: Any) -> float:
    return sum(bool(test(v)) for v in values) / len(values) if values else 0.0


def _is_date(value: str) -> bool:
    return len(value) >= 6 and not value.isdecimal() and read_time(value, "UTC") is not None


def _is_number(value: str) -> bool:
    try:
        return math.isfinite(float(value))
    except ValueError:
        return False


def _fits(meaning: str, values: Sequence[str]) -> bool:
    """Whether the contents can mean what the name suggests; an empty column fits anything."""
    if not values:
        return True
    if meaning in ("opened", "closed", "due", "updated"):
        return _share(values, _is_date) > 0.6
    if meaning in ("lat", "lng"):
        return _share(values, _is_number) > 0.6
    if meaning == "id":
        return len(set(values)) > 0.7 * len(values)
    if meaning in ("text", "title"):
        return _share(values, _is_number) < 0.3 and _share(values, _is_date) < 0.3
    if meaning in ("function", "organisation", "status", "channel", "district", "street"):
        return sum(map(len, values)) / len(values) < 80 and _share(values, _is_date) < 0.3
    return True


def _guess_by_content(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    taken: dict[str, str],
    free: dict[str, str],
) -> None:
    left = [name for name in columns if name in free.values()]
    if "text" not in taken and "title" not in taken:
        lengths = {}
        for name in left:
            values = _values(columns, rows, name)
            words = [v for v in values if not _is_number(v) and not _is_date(v)]
            if words and len(set(words)) > 0.5 * len(values):
                lengths[name] = sum(map(len, words)) / len(values)
        best = max(lengths, key=lambda n: lengths[n], default=None)
        if best is not None and lengths[best] >= (20 if "function" in taken else 8):
            taken["text"] = best
            left.remove(best)
    if "opened" not in taken:
        for name in left:
            if _share(_values(columns, rows, name), _is_date) > 0.9:
                taken["opened"] = name
                break


def _language(columns: Sequence[str], rows: Sequence[Sequence[str]], text: Sequence[str]) -> str:
    said = "".join(v for name in text for v in _values(columns, rows, name)[:100])
    return "zh-hans" if len(_HAN.findall(said)) > 0.2 * max(1, len(said)) else "en"


def _is_day_first(columns: Sequence[str], rows: Sequence[Sequence[str]], taken: dict[str, str]) -> bool:
    """Whether some date can only be read with the day first, and none only with the month first."""
    first, second = 0, 0
    for meaning in ("opened", "closed", "due", "updated"):
        for value in _values(columns, rows, taken[meaning]) if meaning in taken else ():
            match = re.match(r"(\d{1,2})[-/.](\d{1,2})[-/.]\d{4}", value)
            if match:
                first = max(first, int(match[1]))
                second = max(second, int(match[2]))
    return first > 12 >= second


def _statuses(values: Sequence[str]) -> dict[str, str]:
    result = {}
    for value in dict.fromkeys(v.casefold() for v in values):
        if _DUPLICATE_WORDS.search(value) and _CLOSED_WORDS.search(value):
            result[value] = "duplicate"
        elif _WITHDRAWN_WORDS.search(value):
            result[value] = "withdrawn"
        elif _CLOSED_WORDS.search(value):
            result[value] = "fixed"
        else:
            result[value] = "accepted" if _WORKING_WORDS.search(value) else "open"
    return result


def _channels(values: Sequence[str]) -> dict[str, str]:
    result = {}
    for value in dict.fromkeys(v.casefold() for v in values):
        found = next((channel for channel, pattern in _CHANNELS if pattern.search(value)), "import")
        result[value] = found
    return result
