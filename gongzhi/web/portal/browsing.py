"""What everybody can see: home, the public matters, one of them, the board, what we promise."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from gongzhi.cases import figures, queries
from gongzhi.cases.export import BYTE_ORDER_MARK, csv_cell
from gongzhi.cases.lifecycle import State
from gongzhi.cases.models import Case
from gongzhi.registry import snapshot
from gongzhi.registry.models import Post
from gongzhi.registry.snapshot import AreaView, Snapshot
from gongzhi.web.templatetags import words

CSV_MOST_ROWS = 20_000
PERIODS = {"30": 30, "90": 90, "365": 365}


def filters_of(request: HttpRequest) -> queries.CaseFilters:
    """What a list is narrowed to, as the address says."""
    asked = request.GET
    return queries.CaseFilters(
        q=asked.get("q", "").strip()[:100],
        state=asked.get("state", ""),
        function_code=asked.get("function", ""),
        organisation_code=asked.get("organisation", ""),
        area_code=asked.get("area", ""),
    )


def _choices(request: HttpRequest) -> dict[str, object]:
    view = snapshot.current()
    filters = filters_of(request)
    streets: dict[int, list[AreaView]] = {}
    for area in view.areas.values():
        if area.level == "street" and area.parent_id is not None:
            streets.setdefault(area.parent_id, []).append(area)
    return {
        "filters": filters,
        "narrowed": _narrowed(filters, view),
        "query": urlencode({k: v for k, v in request.GET.items() if v and k != "after"}),
        "organisations": sorted(view.organisations.values(), key=lambda o: o.code),
        "districts": [(a, streets.get(a.id, [])) for a in view.areas.values() if a.level == "district"],
        "groups": [f for f in view.functions.values() if len(f.ancestors) == 1],
    }


def _narrowed(filters: queries.CaseFilters, view: Snapshot) -> list[tuple[str, str]]:
    """Each filter that is set: its name in the address, and what it stands for in words."""
    states = {"open": _("Open"), "ended": _("Ended")}
    state = states.get(filters.state) or (
        words.state_name(filters.state) if filters.state in State.values else filters.state
    )
    set_to = [
        ("q", filters.q and f"“{filters.q}”"),
        ("state", state),
        ("function", words.name_of(view.function_by_code.get(filters.function_code))),
        ("area", words.name_of(view.area_by_code.get(filters.area_code))),
        ("organisation", words.name_of(view.organisation_by_code.get(filters.organisation_code))),
    ]
    return [(name, label) for name, label in set_to if label]


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    recent = queries.public_page(queries.CaseFilters(), limit=6)
    return render(request, "portal/home.html", {"cases": recent.rows, "figures": figures.at_a_glance()})


@require_safe
def case_list(request: HttpRequest) -> HttpResponse:
    context = _choices(request)
    page = queries.public_page(filters_of(request), after=request.GET.get("after", ""), limit=30)
    return render(request, "portal/cases.html", context | {"page": page})


@require_safe
def city_map(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/map.html", _choices(request))


@require_safe
def table(request: HttpRequest) -> StreamingHttpResponse:
    """The list as CSV: what the pages show and nothing more, at most 20,000 rows."""
    filters = filters_of(request)
    # An unknown filter is told before the first line has left, not in the middle of the file.
    queries.narrowed(Case.objects.none(), filters)
    response = StreamingHttpResponse(_lines(filters), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="cases.csv"'
    return response


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, value: str) -> str:
        return value


def _lines(filters: queries.CaseFilters) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield BYTE_ORDER_MARK + writer.writerow(
        [_("Number"), _("State"), _("How it ended"), _("Function"), _("Organisation"), _("Area"),
         _("Received on"), _("Due"), _("Ended on"), _("Text")]
    )  # fmt: skip
    after, rows = "", 0
    while rows < CSV_MOST_ROWS:
        page = queries.public_page(filters, after=after, limit=500)
        for case in page.rows:
            yield writer.writerow([csv_cell(value) for value in _cells(case)])
        rows += len(page.rows)
        after = page.next_cursor
        if not after:
            return


def _cells(case: Case) -> list[object]:
    return [
        case.number,
        words.state_name(case.state),
        words.closure_name(case.closure),
        words.function_name(case.function_id),
        words.organisation_name(case.organisation_id),
        words.area_name(case.area_id),
        words.local(case.opened_at),
        words.local(case.due_at),
        words.local(case.resolved_at) if case.resolved_at else "",
        case.public_text,
    ]


@require_safe
def case_page(request: HttpRequest, number: str) -> HttpResponse:
    case = queries.public_case(number)
    entries = queries.timeline(case, sees_parties=False, sees_internal=False)
    photos = case.attachments.filter(is_public=True).order_by("pk")
    context = {"case": case, "entries": entries, "photos": photos, "posts": posts_of(case, entries)}
    return render(request, "portal/case.html", context)


def posts_of(case: Case, entries: list[queries.TimelineEntry]) -> dict[int, Post]:
    """All posts that a case and its history name, in one query."""
    wanted = {case.post_id, *(entry.post_id for entry in entries)} - {None}
    return Post.objects.in_bulk([pk for pk in wanted if pk is not None])


@require_safe
def board(request: HttpRequest) -> HttpResponse:
    days = PERIODS.get(request.GET.get("days", ""), 90)
    rows = queries.board(timezone.now() - timedelta(days=days))
    return render(
        request, "portal/board.html", {"rows": rows, "days": days, "periods": list(PERIODS.values())}
    )
