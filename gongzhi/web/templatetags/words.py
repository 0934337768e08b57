"""Dates, states and names in the reader's words."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final

from django import template
from django.http import HttpRequest, QueryDict
from django.utils import formats, timezone
from django.utils.html import conditional_escape, escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, ngettext, pgettext_lazy
from django.utils.translation import gettext as _

from gongzhi.cases import numbers
from gongzhi.cases.actions.handling import calendar
from gongzhi.cases.lifecycle import OPEN_STATES, Closure, State, Verb
from gongzhi.cases.models import Case
from gongzhi.registry import snapshot
from gongzhi.registry.models import Post

register = template.Library()

_HIDDEN: Final = {
    "［✉］": pgettext_lazy("hidden", "email"),
    "［☎］": pgettext_lazy("hidden", "telephone"),
    "［ID］": pgettext_lazy("hidden", "number"),
    "［车牌］": pgettext_lazy("hidden", "number plate"),
    "［＊＊］": pgettext_lazy("hidden", "name"),
    "［＃］": pgettext_lazy("hidden", "home address"),
    "［…］": pgettext_lazy("hidden", "words"),
}
"""Stand-ins that `cases.personal_text` writes, and what each of them hides."""
_STAND_INS: Final = re.compile("|".join(map(re.escape, _HIDDEN)))


@register.filter
def spoken(number: str) -> str:
    return numbers.spoken(number)


_ENGLISH: Final = {"DATETIME_FORMAT": "j M Y, H:i", "DATE_FORMAT": "j M Y"}
"""As the world outside North America writes it: no “p.m.”, no month before the day."""


def _written(name: str) -> str:
    return _ENGLISH[name] if (get_language() or "").startswith("en") else name


@register.filter
def local(moment: datetime) -> str:
    """A moment in the city's time zone."""
    return formats.date_format(moment.astimezone(calendar().zone), _written("DATETIME_FORMAT"))


@register.filter
def machine_time(moment: datetime) -> str:
    """The same moment for programs (the `datetime` of a <time>; RFC 3339)."""
    return moment.isoformat(timespec="seconds")


@register.filter
def ago(moment: datetime) -> str:
    """How long ago, as people say it; a date from a month on."""
    minutes = int((timezone.now() - moment).total_seconds() // 60)
    if minutes < 1:
        return _("just now")
    if minutes < 60:
        return ngettext("%(n)d minute ago", "%(n)d minutes ago", minutes) % {"n": minutes}
    hours = minutes // 60
    if hours < 24:
        return ngettext("%(n)d hour ago", "%(n)d hours ago", hours) % {"n": hours}
    days = hours // 24
    if days < 31:
        return ngettext("%(n)d day ago", "%(n)d days ago", days) % {"n": days}
    return day(moment)


@register.filter
def percent_of(part: int, whole: int) -> int:
    """`part` in hundredths of `whole`, 0 when there is nothing."""
    return round(100 * part / whole) if whole else 0


@register.simple_tag(takes_context=True)
def current(context: template.Context, beginning: str) -> SafeString:
    """Marks the link to the page one is on."""
    request = context.get("request")
    is_here = isinstance(request, HttpRequest) and request.path.startswith(beginning)
    return mark_safe(' aria-current="page"' if is_here else "")  # noqa: S308 – constants


@register.simple_tag(takes_context=True)
def query(context: template.Context, **changes: object) -> str:
    """The address's query with some values changed; an empty value drops its name."""
    request = context.get("request")
    asked = request.GET.copy() if isinstance(request, HttpRequest) else QueryDict(mutable=True)
    for name, value in changes.items():
        if value:
            asked[name] = str(value)
        else:
            asked.pop(name, None)
    return f"?{asked.urlencode()}"


@register.simple_tag(takes_context=True)
def query_without(context: template.Context, name: str) -> str:
    """The address's query without one value, and from the first page on."""
    return query(context, **{name: "", "after": ""})


@register.filter
def shown(text: str) -> SafeString:
    """Public text, escaped, with what was hidden in it as words that everybody can read and hear."""

    def mark(match: re.Match[str]) -> str:
        what = _HIDDEN[match.group()]
        return f'<span class="mask">{conditional_escape(what)}<span class="only-read"> {conditional_escape(_("(hidden)"))}</span></span>'

    return mark_safe(_STAND_INS.sub(mark, str(escape(text))))  # noqa: S308 – escaped just here


@register.filter
def day(moment: datetime) -> str:
    """The day of a moment in the city's time zone."""
    return formats.date_format(moment.astimezone(calendar().zone), _written("DATE_FORMAT"))


@register.filter
def unlocalized(value: float | None) -> str:
    """A number as programs write it."""
    return "" if value is None else repr(value)


@register.filter
def state_class(case: Case) -> str:
    """How a state is coloured: ended well, ended otherwise, late, waiting, under way."""
    if case.state not in OPEN_STATES:
        return "done" if case.closure in ("", Closure.FIXED) else "quiet"
    return "wait" if case.state == State.RECEIVED else "open"


@register.filter
def due_class(case: Case) -> str:
    """Traffic light of an open case: late, due within a day, otherwise in time."""
    left = (case.due_at - timezone.now()).total_seconds()
    if left < 0:
        return "late"
    return "soon" if left < 86_400 else "open"


@register.filter
def organisation_code(organisation_id: int | None) -> str:
    view = snapshot.current().organisations.get(organisation_id or 0)
    return view.code if view else ""


@register.filter
def due(moment: datetime) -> str:
    """How much time is left, as people say it."""
    days = calendar().working_days_between(timezone.now(), moment)
    if moment < timezone.now():
        late = max(1, -days)
        return ngettext("%(n)d working day late", "%(n)d working days late", late) % {"n": late}
    if days <= 0:
        return _("due today")
    return ngettext("due in %(n)d working day", "due in %(n)d working days", days) % {"n": days}


@register.filter
def state_name(state: str) -> str:
    return str(State(state).label)


@register.filter
def closure_name(closure: str) -> str:
    return str(Closure(closure).label) if closure else ""


_OTHER_ACTS: Final = {"erase": pgettext_lazy("act", "personal data erased")}
"""Acts on a case that are not verbs of its lifecycle, by the last part of their name."""


@register.filter
def verb_name(verb: str) -> str:
    """The words of an act; one of another room without words of its own is shown as it is called."""
    if verb in Verb.values:
        return str(Verb(verb).label)
    last = verb.rpartition(".")[2]
    return str(_OTHER_ACTS.get(last) or last.replace("_", " "))


@register.filter
def is_open(state: str) -> bool:
    return state in OPEN_STATES


def _named(view: Any) -> str:
    if view is None:
        return ""
    return str(view.name_zh if (get_language() or "zh").startswith("zh") else view.name_en)


@register.filter
def organisation_name(organisation_id: int | None) -> str:
    return _named(snapshot.current().organisations.get(organisation_id or 0))


@register.filter
def function_name(function_id: int | None) -> str:
    return _named(snapshot.current().functions.get(function_id or 0))


@register.filter
def area_name(area_id: int | None) -> str:
    return _named(snapshot.current().areas.get(area_id or 0))


@register.filter
def in_language(names: dict[str, str] | None) -> str:
    """Of {"zh": …, "en": …}, as city packs write it, the text in the reader's language."""
    mine, other = ("zh", "en") if (get_language() or "zh").startswith("zh") else ("en", "zh")
    return (names or {}).get(mine) or (names or {}).get(other, "")


@register.filter
def name_of(view: Any) -> str:
    return _named(view)


@register.filter
def post_name(post_id: int | None) -> str:
    post = Post.objects.filter(pk=post_id).first() if post_id else None
    return post.name if post else ""


@register.simple_tag(takes_context=True)
def post_named(context: template.Context, post_id: int | None) -> str:
    """The name of a post; out of the context's `posts` where a page has fetched all of its posts at once."""
    posts = context.get("posts")
    if not isinstance(posts, dict):
        return post_name(post_id)
    post: Post | None = posts.get(post_id or 0)
    return post.name if post else ""
