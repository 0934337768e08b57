"""The monthly statement of a partner, computed from acts alone, so that anybody who has them gets the same.

A matter counts when the partner's act ended it in the month (`case.resolve` as done, or
`case.finish_part`), nobody contested or reopened it before the month was over, and an agreement that
was signed and valid then covers its function and area. What was counted in an earlier month and
contested in this one is taken back. Amounts are whole cents; shares of entries are rounded half up.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from gongzhi.cases import rules
from gongzhi.errors import Invalid
from gongzhi.ledger.acts import time_text
from gongzhi.ledger.canonical import canonical
from gongzhi.ledger.models import Act
from gongzhi.registry import snapshot

_DONE = ("case.resolve", "case.finish_part")
_UNDONE = ("case.contest", "case.reopen")
_MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])")


def bounds(month: str) -> tuple[datetime, datetime]:
    """When a month, written 2026-11, begins and ends in the city's zone, in UTC.

    Raises:
        Invalid: it is not written like that.
    """
    if not _MONTH.fullmatch(month):
        raise Invalid(fields={"month": _("Write the month as 2026-11.")})
    year, number = int(month[:4]), int(month[5:])
    zone = rules.calendar().zone
    begin = datetime(year, number, 1, tzinfo=zone)
    end = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=zone)
    return begin.astimezone(UTC), end.astimezone(UTC)


def leaves(codes: Sequence[str]) -> list[str]:
    """The most detailed functions under `codes`, in the order of their codes."""
    view = snapshot.current()
    above = {view.function_by_code[code].id for code in codes if code in view.function_by_code}
    return sorted(f.code for f in view.functions.values() if f.is_leaf and above & set(f.ancestors))


def areas_within(code: str) -> list[str]:
    """The area itself and all areas in it, by code."""
    view = snapshot.current()
    area = view.area_by_code.get(code)
    return sorted(a.code for a in view.areas.values() if area is not None and area.id in a.ancestors)


def computed(partner_id: int, month: str) -> dict[str, Any]:
    """The statement of a partner for a month, from the acts.

    Raises:
        Invalid: the month is not written 2026-11.
    """
    return with_acts(partner_id, month)[0]


def with_acts(partner_id: int, month: str) -> tuple[dict[str, Any], list[int]]:
    """The statement (see `computed`), and for each of its matters the act that counted."""
    begin, end = bounds(month)
    agreements = [_agreement(act, end) for act in _acts_of_agreements(partner_id, "agreement.sign")]
    ended = {a.subject_id: a.recorded_at for a in _acts_of_agreements(partner_id, "agreement.end")}
    lines = {a["agreement"]: _line(a) for a in agreements}
    mine = Act.objects.filter(organisation_id=partner_id, verb__in=_DONE, recorded_at__lt=end)
    matters: list[dict[str, Any]] = []
    counted: list[int] = []
    for act, is_taken_back in _counted(mine, begin, end):
        terms = _terms_of(act, agreements, ended)
        if terms is None:
            continue
        line = lines[terms["agreement"]]
        in_time = time_text(act.recorded_at)[:19] <= str(act.details["due_at"])[:19]
        amount = terms["fee_cents"] - (0 if in_time else terms["penalty_cents"])
        sign = -1 if is_taken_back else 1
        line["taken_back" if is_taken_back else "done"] += 1
        line["fees_cents"] += sign * terms["fee_cents"]
        if not is_taken_back:
            line["in_time"] += in_time
        if not in_time:
            line["late"] += sign
            line["penalties_cents"] += sign * terms["penalty_cents"]
        matters.append(
            {
                "case": act.subject_key,
                "agreement": terms["agreement"],
                "done_at": time_text(act.recorded_at)[:19] + "Z",
                "due_at": act.details["due_at"],
                "function": act.details.get("function"),
                "in_time": in_time,
                "taken_back": is_taken_back,
                "amount_cents": sign * amount,
            }
        )
        counted.append(act.pk)
    _share(partner_id, month, end, lines, agreements)
    rows = [row for _, row in sorted(lines.items()) if _is_of(row, begin, end)]
    for row in rows:
        row["total_cents"] = (
            row["fees_cents"] - row["penalties_cents"] + row["cost_cents"] + row["benefit_cents"]
        )
        row["in_time_permille"] = row["in_time"] * 1000 // row["done"] if row["done"] else None
        row["target_met"] = None if not row["done"] else row["in_time_permille"] >= row["target_permille"]
    order = sorted(
        range(len(matters)),
        key=lambda n: (matters[n]["done_at"], matters[n]["case"], matters[n]["taken_back"]),
    )
    statement = {
        "partner": _code(partner_id),
        "month": month,
        "agreements": rows,
        "matters": [matters[n] for n in order],
        "total_cents": sum(row["total_cents"] for row in rows),
    }
    return statement, [counted[n] for n in order]


def terms_and_entries(partner_id: int, month: str) -> list[Act]:
    """The acts beside those of matters that a statement rests on: terms signed or ended, what was entered."""
    end = bounds(month)[1]
    wanted = Q(verb__in=("agreement.sign", "agreement.end"), recorded_at__lt=end)
    wanted |= Q(verb="agreement.enter", details__month=month)
    found = Act.objects.filter(wanted, subject_kind="agreement", details__partner=partner_id)
    return list(found.order_by("pk"))


def digest(statement: dict[str, Any]) -> str:
    """SHA-256 of the canonical JSON (RFC 8785) of a statement."""
    return hashlib.sha256(canonical(statement)).hexdigest()


def as_csv(statement: dict[str, Any]) -> str:
    """The matters of a statement and its totals as a table for spreadsheets (RFC 4180)."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(["case", "agreement", "function", "done_at", "due_at", "in_time", "taken_back", "amount"])
    for m in statement["matters"]:
        table.writerow(
            [m["case"], m["agreement"], m["function"], m["done_at"], m["due_at"],
             "yes" if m["in_time"] else "no", "yes" if m["taken_back"] else "no", yuan(m["amount_cents"])]
        )  # fmt: skip
    for row in statement["agreements"]:
        for name in ("fees_cents", "penalties_cents", "cost_cents", "benefit_cents", "total_cents"):
            amount = -row[name] if name == "penalties_cents" else row[name]
            table.writerow([name.removesuffix("_cents"), row["agreement"], "", "", "", "", "", yuan(amount)])
    table.writerow(["total", "", "", "", "", "", "", yuan(statement["total_cents"])])
    return out.getvalue()


def yuan(cents: int) -> str:
    """An amount with two digits after the point."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def _acts_of_agreements(partner_id: int, verb: str) -> Iterable[Act]:
    return Act.objects.filter(subject_kind="agreement", verb=verb, details__partner=partner_id).order_by("pk")


def _agreement(act: Act, end: datetime) -> dict[str, Any]:
    return {"agreement": act.subject_id, "signed_at": act.recorded_at, **act.details}


def _line(terms: dict[str, Any]) -> dict[str, Any]:
    kept = (
        "agreement",
        "title",
        "valid_from",
        "valid_until",
        "target_permille",
        "fee_cents",
        "penalty_cents",
    )
    zero = (
        "done",
        "in_time",
        "late",
        "taken_back",
        "fees_cents",
        "penalties_cents",
        "cost_cents",
        "benefit_cents",
    )
    return {name: terms[name] for name in kept} | dict.fromkeys(zero, 0)


def _counted(mine: Any, begin: datetime, end: datetime) -> list[tuple[Act, bool]]:
    """The partner's acts that count in the period, and those of earlier months that are taken back."""
    in_month = list(mine.filter(recorded_at__gte=begin).values_list("subject_id", flat=True))
    undone = Act.objects.filter(
        subject_kind="case", verb__in=_UNDONE, recorded_at__gte=begin, recorded_at__lt=end
    )
    cases = set(in_month) | set(undone.values_list("subject_id", flat=True))
    history: dict[int, list[Act]] = {}
    rows = Act.objects.filter(
        subject_kind="case", subject_id__in=cases, verb__in=(*_DONE, *_UNDONE), recorded_at__lt=end
    )
    for act in rows.order_by("pk"):
        history.setdefault(act.subject_id, []).append(act)
    mine_ids = set(mine.filter(subject_id__in=cases).values_list("pk", flat=True))
    found: list[tuple[Act, bool]] = []
    for acts in history.values():
        standing: Act | None = None
        for act in acts:
            if act.verb == "case.finish_part":
                if act.pk in mine_ids and act.recorded_at >= begin:
                    found.append((act, False))
            elif act.verb == "case.resolve":
                is_done = act.pk in mine_ids and act.details.get("closure") == "fixed"
                standing = act if is_done else None
            else:
                if standing is not None and standing.recorded_at < begin <= act.recorded_at:
                    found.append((standing, True))
                standing = None
        if standing is not None and standing.recorded_at >= begin:
            found.append((standing, False))
    return found


def _terms_of(
    act: Act, agreements: list[dict[str, Any]], ended: dict[int, datetime]
) -> dict[str, Any] | None:
    day = act.recorded_at.astimezone(rules.calendar().zone).date()
    for terms in agreements:
        until = ended.get(terms["agreement"])
        if (
            date.fromisoformat(terms["valid_from"]) <= day <= date.fromisoformat(terms["valid_until"])
            and terms["signed_at"] <= act.recorded_at
            and (until is None or act.recorded_at < until)
            and act.details.get("function") in terms["functions"]
            and act.details.get("area") in (None, *terms["areas"])
            and act.details.get("due_at")
        ):
            return terms
    return None


def _share(
    partner_id: int,
    month: str,
    end: datetime,
    lines: dict[int, dict[str, Any]],
    agreements: list[dict[str, Any]],
) -> None:
    by_id = {terms["agreement"]: terms for terms in agreements}
    for act in _acts_of_agreements(partner_id, "agreement.enter"):
        if act.details["month"] != month or act.subject_id not in lines:
            continue
        kind = act.details["kind"]
        permille = by_id[act.subject_id][f"{kind}_permille"]
        lines[act.subject_id][f"{kind}_cents"] += (act.details["amount_cents"] * permille + 500) // 1000


def _is_of(row: dict[str, Any], begin: datetime, end: datetime) -> bool:
    zone = rules.calendar().zone
    first, last = begin.astimezone(zone).date(), end.astimezone(zone).date()
    is_valid = (
        date.fromisoformat(row["valid_from"]) < last and date.fromisoformat(row["valid_until"]) >= first
    )
    return is_valid or bool(row["done"] or row["taken_back"] or row["cost_cents"] or row["benefit_cents"])


def _code(organisation_id: int) -> str:
    view = snapshot.current().organisations.get(organisation_id)
    return view.code if view else str(organisation_id)
