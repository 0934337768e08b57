"""What the desk's pages say: who acts, lights, numbers to read out, marked words, demo accounts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django import template
from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from gongzhi.cases import lights
from gongzhi.cases.models import Case
from gongzhi.coordination.crew_work import Force
from gongzhi.environment import DEMO_ACCOUNTS
from gongzhi.registry import snapshot
from gongzhi.registry.models import Person
from gongzhi.web import accounts
from gongzhi.web.desk import navigation
from gongzhi.web.templatetags.words import due, organisation_name

register = template.Library()

_DIGITS_ZH = "零幺二三四五六七八九"
"""As numbers are read out on the telephone in Chinese: one is yāo, which nobody takes for seven."""


@register.simple_tag(takes_context=True)
def acting(context: template.Context) -> dict[str, Any]:
    """Person, posts (the one in use first) and pages of whoever is signed in; empty for others."""
    request = context.get("request")
    if not isinstance(request, HttpRequest) or not request.user.is_authenticated:
        return {}
    posts = accounts.posts_of(request)
    shown, more = navigation.in_header(navigation.entries(accounts.actor_of(request)))
    return {
        "person": request.user,
        "post": posts[0] if posts else None,
        "others": posts[1:],
        "entries": shown,
        "more": more,
        "is_in_more": any(request.path.startswith(entry.href) for entry in more),
    }


@register.filter
def light(case: Case) -> str:
    """The traffic light of an open case."""
    return str(lights.light(case.opened_at, case.due_at, case.paused_at or timezone.now()))


def light_words() -> dict[str, str]:
    """Light → what it says, as the colour alone says nothing to many."""
    return {
        "green": _("plenty of time"), "amber": _("half of the time is used"), "red": _("little time is left"),
        "late": _("late"),
    }  # fmt: skip


@register.simple_tag
def light_of(case: Case) -> SafeString:
    """The light of a case with its words, by the time from receipt to deadline."""
    moment = case.paused_at or timezone.now()
    share = lights.share_used(case.opened_at, case.due_at, moment)
    return lamp(light(case), share, case.due_at, case.paused_at)


@register.simple_tag
def lamp(colour: str, share: float, due_at: datetime, paused_at: datetime | None) -> SafeString:
    """A light with its words and a bar of the share of time used (1.0 is the deadline)."""
    told = _("the clock stands still: the requester was asked") if paused_at else light_words()[str(colour)]
    return format_html(
        '<span class="light {}" title="{}"><span class="bar"><span class="used w{}"></span></span>'
        '<span class="says">{}</span><span class="only-read">, {}</span></span>',
        colour,
        told,
        min(100, round(100 * share)) // 10 * 10,
        _("paused") if paused_at else due(due_at),
        told,
    )


@register.filter
def read_out(number: str) -> str:
    """A case number digit by digit in groups of three or four, as it is said on the telephone."""
    chinese = (get_language() or "zh").startswith("zh")
    groups = [number[:4], number[4:-4], number[-4:-1], number[-1]]
    if chinese:
        return "，".join("".join(_DIGITS_ZH[int(d)] for d in g) for g in groups if g)
    return ", ".join(" ".join(g) for g in groups if g)


@register.filter
def marked(text: str, words: list[str]) -> SafeString:
    """`text` with the words that decided its reading marked."""
    spans: list[tuple[int, int]] = []
    lowered = text.lower()
    for word in words or []:
        at = lowered.find(word.lower().strip())
        if word.strip() and at >= 0 and not any(a < at + len(word) and at < b for a, b in spans):
            spans.append((at, at + len(word.strip())))
    parts: list[SafeString] = []
    end = 0
    for start, stop in sorted(spans):
        parts += [conditional_escape(text[end:start]), format_html("<mark>{}</mark>", text[start:stop])]
        end = stop
    parts.append(conditional_escape(text[end:]))
    joined = format_html_join("", "{}", ((part,) for part in parts))
    return SafeString(joined.replace("\r\n", "\n").replace("\n", "<br>"))  # noqa: S308 – escaped above


@register.filter
def percent(share: float) -> int:
    """A share of one in hundredths."""
    return round(100 * share)


@register.filter
def get(values: Any, key: Any) -> Any:
    """The value under a key, empty when there is none."""
    return values.get(key, "") if values else ""


@register.simple_tag
def demo_accounts() -> list[Person]:
    """Accounts to try with one click; none in production, none when the city has no such people."""
    if settings.PRODUCTION or not settings.DEMO_PASSWORD:
        return []
    names = list(DEMO_ACCOUNTS)
    found = Person.objects.filter(username__in=names, is_active=True).prefetch_related("posts__organisation")
    return sorted(found, key=lambda person: names.index(person.username))


@register.simple_tag
def demo_password() -> str:
    """The password of the demo accounts, empty in production."""
    return "" if settings.PRODUCTION else str(settings.DEMO_PASSWORD)


@register.simple_tag
def identity_provider_name() -> str:
    """The name of the city's identity provider, empty where people sign in here alone."""
    provider = settings.IDENTITY_PROVIDER
    return str(provider.name) if provider is not None else ""


@register.filter
def organisation_of(organisation_id: int | None) -> str:
    """The name of an organisation in the reader's language."""
    return organisation_name(organisation_id)


@register.filter
def organisation_names(organisation_ids: Iterable[int]) -> str:
    """The names of organisations in the reader's language, in a row."""
    between = "、" if (get_language() or "zh").startswith("zh") else ", "
    return between.join(filter(None, map(organisation_name, organisation_ids)))


@register.filter
def capacity_of(force: Force | str) -> int:
    """How many tasks a crew may have at once."""
    return force.crew.capacity if isinstance(force, Force) else 0


@register.filter
def name_of_crew(force: Force | str) -> str:
    """The name of a crew in the reader's language."""
    return force.crew.post.name if isinstance(force, Force) else ""


@register.filter
def working_minutes(minutes: float) -> str:
    """So much working time, as people say it: minutes, hours, or days of eight hours."""
    whole = round(abs(minutes))
    if whole < 60:
        return ngettext("%(n)d minute", "%(n)d minutes", whole) % {"n": whole}
    hours = round(whole / 60)
    if hours < 16:
        return ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours}
    days = round(hours / 8)
    return ngettext("%(n)d working day", "%(n)d working days", days) % {"n": days}


@register.filter
def function_code(function_id: int | None) -> str:
    """The code of a function, as forms post it."""
    view = snapshot.current().functions.get(function_id or 0)
    return view.code if view else ""


@register.filter
def tenths(part: int, whole: int) -> int:
    """`part` of `whole` in hundredths, rounded to full tens; what is not nothing shows at least a little."""
    return max(10, round(10 * part / whole) * 10) if part and whole else 0


@register.simple_tag
def change(now: int, before: int) -> str:
    """How a figure compares with the week before, in words."""
    if not before:
        return _("none the week before")
    percent = round(100 * (now - before) / before)
    return _("%(sign)s%(n)d %% on the week before") % {"sign": "+" if percent > 0 else "", "n": percent}
