"""The monthly statement of a partner as a paper: the figures, the acts they come from, how to check them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.utils import formats
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from gongzhi import papers
from gongzhi.cases import numbers, rules
from gongzhi.coordination import settlement
from gongzhi.coordination.models import Settlement
from gongzhi.ledger.models import Act, Position
from gongzhi.registry import snapshot
from gongzhi.registry.models import Organisation

_TEMPLATE: Final = Path(__file__).with_name("statement.typ")


def as_pdf(partner: Organisation, month: str) -> bytes:
    """The statement in the reader's language as PDF/UA.

    Raises:
        Invalid: the month is not written 2026-11.
        NoFont: see `papers`.
    """
    statement, counted = settlement.with_acts(partner.pk, month)
    issued = Settlement.objects.filter(partner=partner, month=month).first()
    others = list(settlement.terms_and_entries(partner.pk, month))
    positions = _positions([*counted, *(act.pk for act in others)])
    digest = settlement.digest(statement)
    is_chinese = (get_language() or "zh").startswith("zh")
    end = settlement.bounds(month)[1]
    data = {
        "language": "zh" if is_chinese else "en",
        "region": "cn",
        "city": snapshot.current().city.name,
        "title": _("%(partner)s: statement for %(month)s") % {"partner": partner.name, "month": month},
        "subtitle": _issue(issued),
        "notes": [_("The statement that was issued differs from what the acts say now.")]
        if issued and issued.digest != digest
        else [],
        "words": _words(),
        "agreement_head": [_("Agreement"), _("Done"), _("In time"), _("Taken back"), _("Fees"),
                           _("Penalties"), _("Share of costs"), _("Share of benefit"), _("Total")],
        "agreements": [_agreement(row) for row in statement["agreements"]],
        "total": settlement.yuan(statement["total_cents"]),
        "matter_head": [_("Case"), _("Function"), _("Done"), _("Due"), _("Amount"), _("Act"), _("In the log")],
        "matters": [
            _matter(matter, act_id, positions)
            for matter, act_id in zip(statement["matters"], counted, strict=True)
        ],
        "other_head": [_("Signed, ended or entered"), _("Day"), _("Act"), _("In the log")],
        "others": [_other(act, positions) for act in others],
        "digest": digest,
        "command": f"gongzhi settlement {partner.code} {month} --json",
        "proof": f"{settings.PUBLIC_URL}/ledger/proof?act=…",
    }  # fmt: skip
    return papers.compiled(_TEMPLATE, data, at=issued.issued_at if issued else end)


def _words() -> dict[str, str]:
    return {
        "agreements": _("Agreements"),
        "matters": _("Matters"),
        "others": _("What else it rests on"),
        "nothing": _("Nothing here yet."),
        "total": _("Total"),
        "check": _("How to check it"),
        "computed": _(
            "Every figure is computed from the recorded acts alone. Each act stands in the city's signed log at the place given, counted from 0."
        ),
        "fingerprint": _("Fingerprint of the statement (SHA-256 of its canonical JSON, RFC 8785):"),
        "command": _("Whoever has the acts gets the same statement and fingerprint with:"),
        "proof": _("Proof that an act is in the log:"),
    }


def _issue(issued: Settlement | None) -> str:
    if issued is None:
        return _("Not issued yet: figures may still change.")
    return _("Issued on %(day)s") % {"day": _day(issued.issued_at)}


def _day(at: datetime) -> str:
    return formats.date_format(at.astimezone(rules.calendar().zone), "DATE_FORMAT")


def _agreement(row: dict[str, Any]) -> list[str]:
    amounts = (
        row["fees_cents"],
        -row["penalties_cents"],
        row["cost_cents"],
        row["benefit_cents"],
        row["total_cents"],
    )
    return [row["title"], *(str(row[n]) for n in ("done", "in_time", "taken_back")), *map(settlement.yuan, amounts)]  # fmt: skip


def _matter(matter: dict[str, Any], act_id: int, positions: dict[int, str]) -> list[str]:
    function = snapshot.current().function_by_code.get(str(matter["function"]))
    done = _local(matter["done_at"])
    if not matter["in_time"]:
        done += " " + _("late")
    if matter["taken_back"]:
        done += " " + _("taken back")
    is_chinese = (get_language() or "zh").startswith("zh")
    name = (function.name_zh if is_chinese else function.name_en) if function else ""
    amount = settlement.yuan(matter["amount_cents"])
    return [numbers.spoken(matter["case"]), name, done, _local(matter["due_at"]), amount, str(act_id), positions[act_id]]  # fmt: skip


def _other(act: Act, positions: dict[int, str]) -> list[str]:
    what = {
        "agreement.sign": _("Signed: %(what)s") % {"what": act.details.get("title", "")},
        "agreement.end": _("Ended: %(what)s") % {"what": act.reason},
    }
    kind = _("cost") if act.details.get("kind") == "cost" else _("benefit")
    amount = settlement.yuan(int(act.details.get("amount_cents", 0)))
    entered = f"{kind} {amount}: {act.reason}"
    return [what.get(act.verb, entered), _day(act.recorded_at), str(act.pk), positions[act.pk]]


def _local(written: str) -> str:
    at = datetime.fromisoformat(written.replace("Z", "+00:00"))
    return at.astimezone(rules.calendar().zone).strftime("%m-%d %H:%M")


def _positions(act_ids: Iterable[int]) -> dict[int, str]:
    wanted = set(act_ids)
    placed = Position.objects.filter(act_id__in=wanted).values_list("act_id", "position")
    return dict.fromkeys(wanted, "–") | {act: str(position) for act, position in placed}
