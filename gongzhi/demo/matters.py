"""A year of matters as the people of a city would bring them: seeded, bilingual, varied."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from gongzhi.demo import grammar as grammars
from gongzhi.demo import people
from gongzhi.demo.composing import Composer, Topic, Words
from gongzhi.demo.grammar import Grammar, Hot
from gongzhi.demo.people import Planted, Speaker
from gongzhi.demo.sites import Site, Sites
from gongzhi.registry import packs
from gongzhi.registry.packs import Pack

SEED = 2026
_ENGLISH = 0.2
_REPEATED = 0.05
"""The share of matters that somebody else brings once more in other words."""
_WHOLE = 0.09
"""The share of texts that were written as a whole."""
_SEASON = 1.6
_CHANNELS = {
    "zh": (("phone", 33), ("wechat", 22), ("app", 16), ("web", 17), ("counter", 7), ("email", 5)),
    "en": (("web", 40), ("app", 24), ("email", 19), ("phone", 11), ("wechat", 6)),
}
_HOURS = (2, 1, 1, 1, 1, 2, 6, 14, 26, 34, 32, 24, 16, 20, 26, 28, 26, 22, 20, 24, 26, 20, 12, 5)
"""How much comes in at each hour of the day."""
_WEEKDAYS = (1.2, 1.1, 1.05, 1.0, 1.0, 0.75, 0.65)


@dataclass(frozen=True, slots=True)
class Matter:
    """One matter as somebody brought it.

    Attributes:
        text: what was said.
        language: ``zh-hans`` or ``en``.
        function: code of the function that it is truly about.
        lng, lat: WGS 84, None when no place was given.
        at: when it came in, UTC.
        name, phone, email: the contact that was left, each may be empty.
        planted: personal data that stands in the text.
        group: number shared by matters about the very same thing, 0 when there is no other.
    """

    text: str
    language: str
    function: str
    lng: float | None
    lat: float | None
    address: str
    at: datetime
    channel: str
    name: str
    phone: str
    email: str
    planted: tuple[Planted, ...]
    urgency: str
    group: int


def generate(
    folder: Path,
    n: int = 5_000,
    *,
    months: int = 12,
    seed: int = SEED,
    until: datetime | None = None,
) -> Iterator[Matter]:
    """Invent about `n` matters (exactly `n` come out), in the order in which they came in.

    Args:
        folder: a city pack with a folder `matters/`.
        months: how far back the first one lies.
        seed: the same seed, `n` and `until` give the same matters.
        until: when the last one came in (aware); now if not given.

    Raises:
        PackInvalid: the pack has a fault or no grammar of matters.
    """
    pack = packs.read(folder)
    grammar = grammars.read(folder / "matters")
    end = (until or datetime.now(UTC)).astimezone(UTC)
    yield from _Year(pack, grammar, n, months, seed, end).matters()


class _Year:
    """The work of one call of `generate`."""

    def __init__(self, pack: Pack, grammar: Grammar, n: int, months: int, seed: int, end: datetime) -> None:
        self.random = Random(seed)
        self.n = n
        self.zone = ZoneInfo(pack.city["timezone"])
        self.end = end
        self.start = end - timedelta(days=30.4 * months)
        self.grammar = grammar
        self.sites = Sites(pack, self.random)
        self.composer = Composer(grammar, self.random, self.sites.home)
        rows = {row["code"]: row for row in pack.functions}
        self.topics = {
            code: Topic(code, rows[code]["parent"], rows[code]["kind"], rows[code]["urgency"])
            for code in grammar.functions
            if code in rows
        }
        self.codes = sorted(self.topics)
        self.by_month = {month: list(accumulate(self._weight(c, month) for c in self.codes)) for month in range(1, 13)}  # fmt: skip
        self.whole = {
            lang: {code: [w.text for w in rows if w.function == code] for code in {w.function for w in rows}}
            for lang, rows in grammar.whole.items()
        }
        self.used: dict[str, int] = {}
        self.seen: set[str] = set()
        self.group = 0

    def matters(self) -> Iterator[Matter]:
        found: list[Matter] = []
        for hot in self.grammar.hot:
            found += self._hot(hot)
        while len(found) < self.n:
            first, topic, site = self._matter(self._moment())
            others = self._repeated(first, topic, site) if self.random.random() < _REPEATED else []
            found += [replace(first, group=self.group) if others else first, *others]
        self.random.shuffle(found)
        yield from sorted(found[: self.n], key=lambda m: m.at)

    def _weight(self, code: str, month: int) -> float:
        sayings = self.grammar.functions[code]
        months = sayings.months or self.grammar.groups[self.topics[code].group].months
        return sayings.weight * (1 + _SEASON * months.count(month)) if months else float(sayings.weight)

    def _moment(self) -> datetime:
        """A time in the period: more of late, on working days and by day."""
        while True:
            share = self.random.random() ** 0.62
            day = self.start + (self.end - self.start) * share
            local = day.astimezone(self.zone)
            if self.random.random() * 1.2 < _WEEKDAYS[local.weekday()]:
                break
        hour = self.random.choices(range(24), _HOURS)[0]
        local = local.replace(hour=hour, minute=self.random.randrange(60), second=self.random.randrange(60))  # fmt: skip
        at = local.astimezone(UTC).replace(microsecond=0)
        return at if self.start <= at < self.end else self._moment()

    def _channel(self, language: str) -> str:
        names, weights = zip(*_CHANNELS[language], strict=True)
        return str(self.random.choices(names, weights)[0])

    def _topic(self, month: int) -> Topic:
        weights = self.by_month[month]
        return self.topics[self.codes[bisect(weights, self.random.random() * weights[-1])]]

    def _site(self, topic: Topic) -> Site:
        places = self.grammar.phrases["places"]
        kinds = places.get(topic.function) or places.get(topic.group, ["street"])
        return self.sites.pick(self.random.choice(kinds))

    def _matter(self, at: datetime) -> tuple[Matter, Topic, Site]:
        language = "en" if self.random.random() < _ENGLISH else "zh"
        month = at.astimezone(self.zone).month
        channel = self._channel(language)
        topic = self._topic(month)
        site, who = self._site(topic), people.speaker(self.random)
        words: Words | None = None
        if channel not in ("phone", "counter") and self.random.random() < _WHOLE * 3:
            words = self._whole_text(topic, site, who, language, month)
        words = words or self._fresh(topic, site, who, language, channel, month)
        return self._built(words, topic, site, who, language, channel, at, 0), topic, site

    def _whole_text(self, topic: Topic, site: Site, who: Speaker, language: str, month: int) -> Words | None:
        """A text that is not used up: one without a place once, one with a place three times."""
        texts = [
            t
            for t in self.whole[language].get(topic.function, [])
            if self.used.get(t, 0) < (3 if "{at" in t else 1) and self.composer.fits(t, month)
        ]
        if not texts:
            return None
        text = self.random.choice(texts)
        self.used[text] = self.used.get(text, 0) + 1
        return self.composer.whole(text, site, who, language)

    def _fresh(
        self, topic: Topic, site: Site, who: Speaker, language: str, channel: str, month: int,
        clauses: list[str] | None = None,
    ) -> Words:  # fmt: skip
        """A text that nobody has used yet, if a few tries find one."""
        words = Words("")
        for _ in range(6):
            clause = self.random.choice(clauses) if clauses else ""
            words = self.composer.text(topic, site, who, language, channel, month, clause)
            if words.text not in self.seen:
                break
        self.seen.add(words.text)
        return words

    def _built(
        self, words: Words, topic: Topic, site: Site, who: Speaker, language: str, channel: str,
        at: datetime, group: int,
    ) -> Matter:  # fmt: skip
        left = self.random.random()
        name = who.full if language == "zh" else who.full_en
        by_phone = channel == "phone" or left < 0.62
        return Matter(
            text=words.text,
            language="zh-hans" if language == "zh" else "en",
            function=topic.function,
            lng=site.lng,
            lat=site.lat,
            address=site.address if language == "zh" else site.en_noun,
            at=at,
            channel=channel,
            name=name if left < 0.25 or channel == "counter" else "",
            phone=who.phone if by_phone else "",
            email=who.email if channel == "email" or 0.62 <= left < 0.7 else "",
            planted=words.planted,
            urgency=topic.urgency,
            group=group,
        )

    def _repeated(self, first: Matter, topic: Topic, site: Site) -> list[Matter]:
        """The same thing brought by one or two others within days, in a group of their own."""
        if first.lng is None or topic.kind == "consultation":
            return []
        self.group += 1
        others: list[Matter] = []
        for _ in range(self.random.choice((1, 1, 2))):
            at = min(first.at + timedelta(hours=self.random.uniform(0.3, 110)), self.end)
            language = "en" if self.random.random() < _ENGLISH / 2 else "zh"
            channel, who, where = self._channel(language), people.speaker(self.random), self.sites.again(site)
            words = self._fresh(topic, where, who, language, channel, at.astimezone(self.zone).month)
            others.append(self._built(words, topic, where, who, language, channel, at, self.group))
        return others

    def _hot(self, hot: Hot) -> list[Matter]:
        """Many people about one thing: most at its beginning, then fewer."""
        topic = self.topics[hot.function]
        began = self._beginning(hot)
        if began < self.start:
            return []
        self.group += 1
        found: list[Matter] = []
        left: dict[str, list[str]] = {}
        for _ in range(max(2, round(hot.count * self.n / 5_000))):
            at = began + timedelta(days=self.random.expovariate(2.2 / hot.spread_days))
            if at >= self.end:
                continue
            language = "en" if hot.texts["en"] and self.random.random() < 0.12 else "zh"
            channel = self._channel(language)
            who, site = people.speaker(self.random), self.sites.named(hot.place)
            if not left.get(language):
                left[language] = list(hot.texts[language])
            clause = left[language].pop(self.random.randrange(len(left[language])))
            words = self._fresh(topic, site, who, language, channel, at.astimezone(self.zone).month, [clause])
            found.append(self._built(words, topic, site, who, language, channel, at.replace(microsecond=0), self.group))  # fmt: skip
        return found

    def _beginning(self, hot: Hot) -> datetime:
        """When it began: in the month it belongs to, the last time that month came round."""
        if not hot.month:
            return self.end - timedelta(days=hot.days_ago, hours=self.random.uniform(0, 8))
        local = self.end.astimezone(self.zone)
        day: dict[str, Any] = {"month": hot.month, "day": self.random.randint(6, 14), "hour": 6, "minute": 40}
        began = local.replace(**day, second=0, microsecond=0)
        if began > local:
            began = began.replace(year=began.year - 1)
        return began.astimezone(UTC)
