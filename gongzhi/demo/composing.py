"""Putting words together: who speaks, in what manner, about what, and what slips in."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from gongzhi.demo import people
from gongzhi.demo.grammar import Grammar
from gongzhi.demo.people import Planted, Speaker
from gongzhi.demo.sites import Site

_ASKS = re.compile("吗|怎么|哪|什么|能不能|多少|是否|几[点天楼号]|几个月|多久|呢|可不可以|有没有|可否")
_WISHES = re.compile("^(请查|希望|请有关|恳请|麻烦|建议)")
_TIMES = re.compile("今天|今早|昨|上周|上个月|上礼拜|这个月|前天|刚|早上|凌晨|最近|这两天")
_ENDS = "。！？!?.…～~）)"
_STOPS = "，,；;：: "


@dataclass(frozen=True, slots=True)
class Topic:
    """What a text is about.

    `is_calm` holds for questions, suggestions and thanks: nobody shouts.
    """

    function: str
    group: str
    kind: str
    urgency: str

    @property
    def is_calm(self) -> bool:
        return self.kind == "consultation" or self.function in ("suggestions", "thanks")


@dataclass(frozen=True, slots=True)
class Words:
    """A text and the personal data planted in it."""

    text: str
    planted: tuple[Planted, ...] = ()


class Composer:
    """Writes texts from a grammar; every choice comes from one seeded source."""

    def __init__(self, grammar: Grammar, random: Random, homes: Callable[[], tuple[str, str]]) -> None:
        self.homes = homes
        """Where somebody lives: a name in Chinese and one in English."""
        self.grammar = grammar
        self.random = random
        self.phrases = grammar.phrases
        self.month = 1
        self._only_in = [(re.compile(words), set(months)) for words, months in self.phrases["only_in"]]

    def text(
        self, topic: Topic, site: Site, speaker: Speaker, language: str, channel: str, month: int,
        clause: str = "",
    ) -> Words:  # fmt: skip
        """What `speaker` says about `topic` at `site`; `clause` fixes what is said to be wrong."""
        values = speaker.values(self.random, site.name_zh, *self.homes())
        self.month = month
        said = clause or self._out_of(getattr(self.grammar.functions[topic.function], language))
        problem = self._filled(self._varied(said, language), site, language, values)
        slipped: tuple[Planted, ...] = people.planted(said, values)
        if language == "zh":
            text = self._chinese(topic, site, problem, channel, month, values)
            text = self._joined(text)
        else:
            text = self._english(topic, problem, channel, month)
        share = 0.26 if topic.kind != "consultation" else 0.14
        if channel != "phone" and self.random.random() < share:
            phrase = self.random.choice(self.phrases["planted"][language])
            if self._belongs(phrase, topic):
                gap = " " if language == "en" or text[-1:] not in _ENDS else ""
                text = f"{text.rstrip()}{gap}{self._filled(phrase, site, language, values)}"
                slipped += people.planted(phrase, values)
        text = self._slips(text, language, channel)
        return Words(text, tuple(p for p in dict.fromkeys(slipped) if p.value in text))

    def whole(self, text: str, site: Site, speaker: Speaker, language: str) -> Words:
        """A text that was written as a whole, in its place."""
        values = speaker.values(self.random, site.name_zh, *self.homes())
        slipped = people.planted(text, values)
        return Words(_capital(self._filled(text, site, language, values)), slipped)

    def _belongs(self, phrase: str, topic: Topic) -> bool:
        """Bank cards belong to refunds, number plates to traffic."""
        if "{card}" in phrase:
            return topic.group == "consumer-rights"
        return "{plate}" not in phrase or topic.group in ("parking", "traffic")

    def _varied(self, clause: str, language: str) -> str:
        """A clause with other words for the same things here and there."""
        for word, others in self.phrases["variants"][language].items():
            if word in clause and self.random.random() < 0.5:
                clause = clause.replace(word, self.random.choice(others), 1)
        return clause

    def _one(self, *path: str) -> str:
        rows: Any = self.phrases
        for step in path:
            rows = rows[step]
        return str(self.random.choice(rows))

    def _maybe(self, share: float, *path: str) -> str:
        return self._one(*path) if self.random.random() < share else ""

    def _filled(self, text: str, site: Site, language: str, values: dict[str, str]) -> str:
        number = self.random.choice(("2", "5", "8", "12", "16", "19", "23", "27", "31", "101", "K3", "B2", "107"))  # fmt: skip
        slots = {
            **values,
            "at": site.zh if language == "zh" else site.en,
            "at2": site.en_noun,
            "d": self._one("durations", language) if "{d}" in text else "",
            "bus": f"{number}路",
            "busno": number,
            "when": self._one("when", language) if "{when}" in text else "",
        }
        for slot, value in slots.items():
            text = text.replace("{" + slot + "}", value)
        text = text.replace("好几天了了", "好几天了").replace("村村", "村").replace("小区小区", "小区")
        return text.replace("在在", "在").replace("门口门口", "门口")

    def _chinese(
        self, topic: Topic, site: Site, problem: str, channel: str, month: int, values: dict[str, str]
    ) -> str:
        effect = _ended(self._effect(topic, "zh"))
        demand = _ended(self._demand(topic, "zh"))
        body = _ended(problem)
        if topic.function == "thanks":
            return self._maybe(0.4, "greetings", "zh") + body + self._maybe(0.5, "thanks", "zh")
        if channel in ("phone", "counter"):
            if topic.is_calm and self.random.random() < 0.7:
                effect = ""
            return self._noted("hotline" if channel == "phone" else "counter", body, effect, demand, values)
        if topic.is_calm:
            ask = demand if self.random.random() < 0.25 else ""
            return self._maybe(0.6, "greetings", "zh") + self._maybe(0.12, "home", "zh") + body + ask + self._maybe(0.5, "thanks", "zh")  # fmt: skip
        manner = self.random.choices(
            ("terse", "polite", "angry", "elderly", "business", "chat", "story"),
            (24, 20, 14, 5, 4, 20, 13) if channel in ("wechat", "app") else (14, 28, 13, 9, 8, 6, 22),
        )[0]
        if manner == "business" and topic.group not in self.phrases["business_groups"]:
            manner = "polite"
        if topic.urgency == "emergency":
            manner = self.random.choice(("terse", "chat"))
        if manner == "terse":
            return problem if self.random.random() < 0.6 else body
        if manner == "chat":
            first = self._maybe(0.35, "chat", "zh")
            mark = "，" if first and self.random.random() < 0.6 else (" " if first else "")
            close = self._maybe(0.35, "chat", "zh") if not first else ""
            shown = "".join(self.random.choices(self.phrases["emoji"], k=self.random.choice((0, 0, 1, 1, 2))))
            return f"{first}{mark}{problem}{'，' + effect.rstrip('。') if effect else ''}{' ' + close if close else ''}{shown}"  # fmt: skip
        again = self._maybe(0.3, "again", "zh")
        season = self._season("zh", month)
        if manner == "angry":
            shout = self._one("angry", "zh")
            return f"{body}{again}{effect}{shout}" if self.random.random() < 0.7 else f"{shout}{body}{again}"
        if manner == "elderly":
            intro = self._filled(self._one("elderly", "zh"), site, "zh", values)
            return f"{intro}{season}{body}{effect}{demand}{self._maybe(0.7, 'thanks', 'zh')}"
        if manner == "business":
            intro = self._filled(self._one("business", "zh"), site, "zh", values)
            return f"{intro}{body}{again}{demand}"
        if manner == "story":
            when = "" if _TIMES.search(body) else self._maybe(0.3, "when", "zh")
            when = f"{when}，" if when else ""
            parts = [season or when, self._maybe(0.35, "home", "zh"), body, effect, again, demand if self.random.random() < 0.5 else ""]  # fmt: skip
            return "".join(parts)
        return self._one("greetings", "zh") + season + body + effect + demand + self._maybe(0.6, "thanks", "zh")  # fmt: skip

    def _noted(self, where: str, body: str, effect: str, demand: str, values: dict[str, str]) -> str:
        """How an operator or a clerk writes down what was said."""
        if self.random.random() < 0.18:
            return body + effect
        text = self._one(where, "zh")
        if "{when}" in text and _TIMES.search(body):
            text = "来电人反映：{p}{e}{g}"
        slots = {
            "p": body, "e": effect, "g": demand, "name": values["name"],
            "when": self._one("when", "zh") if "{when}" in text else "",
        }  # fmt: skip
        for slot, value in slots.items():
            text = text.replace("{" + slot + "}", value)
        return text

    def _english(self, topic: Topic, problem: str, channel: str, month: int) -> str:
        body = _ended_english(_capital(problem))
        effect = self._effect(topic, "en")
        demand = self._demand(topic, "en") if self.random.random() < 0.55 else ""
        if topic.function == "thanks":
            return body
        if channel == "phone":
            noted = self._one("hotline", "en")
            noted = noted.replace("{p}", body).replace("{e}", effect).replace("{g}", demand)
            return " ".join(noted.split())
        manner = self.random.choices(("terse", "polite", "angry", "chat", "story"), (22, 34, 10, 16, 18))[0]
        if topic.is_calm and manner in ("angry", "chat"):
            manner = "polite"
        if manner == "terse":
            return body if self.random.random() < 0.6 else body.rstrip(".")
        if manner == "chat":
            low = problem[:1].lower() + problem[1:]
            return f"{low}{self.random.choice((' pls help', ' 😡', ' any news?', '', ' thx', ' again!!', ' 🙏'))}"
        if manner == "angry":
            return " ".join(p for p in (body, effect, self._maybe(0.4, "again", "en"), self._one("angry", "en")) if p)  # fmt: skip
        again, close = self._maybe(0.2, "again", "en"), self._maybe(0.5, "thanks", "en")
        if topic.is_calm:
            effect = again = ""
        if manner == "story":
            who = self._maybe(0.35, "home", "en") or self._maybe(0.5, "foreigner", "en")
            return " ".join(p.strip() for p in (who, body, effect, again, demand) if p)
        opening = self._one("greetings", "en")
        return opening + " ".join(p for p in (body, effect, demand, close) if p)

    def fits(self, text: str, month: int) -> bool:
        """Whether a text may be said in a month: nobody speaks of the heat in January."""
        return all(month in months or not words.search(text) for words, months in self._only_in)

    def _effect(self, topic: Topic, language: str) -> str:
        """What follows from it; said of a group, it fits its chief functions best."""
        share = 0.5 if self._is_chief(topic) else 0.25
        rows = self.grammar.groups[topic.group].effects[language]
        return self._out_of(rows) if self.random.random() < share else ""

    def _demand(self, topic: Topic, language: str) -> str:
        """What is asked for, in the words of the group or in words for anything."""
        own = self.random.random() < (0.75 if self._is_chief(topic) else 0.3)
        rows = self.grammar.groups[topic.group].demands[language] if own else []
        return self._out_of(rows or self.phrases["asks"][language])

    def _is_chief(self, topic: Topic) -> bool:
        return self.grammar.functions[topic.function].weight >= 5

    def _out_of(self, rows: list[str]) -> str:
        """One of the rows that fit the month; any, if none does."""
        fitting = [row for row in rows if self.fits(row, self.month)] or rows
        return self.random.choice(fitting) if fitting else ""

    def _season(self, language: str, month: int) -> str:
        rows = self.phrases["season"][language].get(str(month), [])
        return self.random.choice(rows) if rows and self.random.random() < 0.12 else ""

    def _joined(self, text: str) -> str:
        """One or two ways of writing the same thing: with fewer stops, or with none."""
        if self.random.random() < 0.1:
            text = text.replace("。", "，", text.count("。") - 1) if text.count("。") > 1 else text
        return text

    def _slips(self, text: str, language: str, channel: str) -> str:
        """What happens when people type on a phone."""
        if channel in ("phone", "counter"):
            return text
        if language == "zh":
            if self.random.random() < 0.07:
                wrong = [(r, w) for r, w in self.phrases["typos"]["zh"].items() if r in text]
                if wrong:
                    text = text.replace(*self.random.choice(wrong), 1)
            if channel in ("wechat", "app") and self.random.random() < 0.13:
                text = re.sub("[，。]", " ", text).strip()
            if self.random.random() < 0.04:
                text = text.replace("！", "！！！").replace("？", "？？？")
            return text
        if self.random.random() < 0.12:
            text = text.replace("'", "")
        if self.random.random() < 0.1:
            words = text.split(" ")
            long = [n for n, w in enumerate(words) if len(w) > 5 and w.isalpha()]
            if long:
                n = self.random.choice(long)
                k = self.random.randint(1, len(words[n]) - 3)
                w = words[n]
                words[n] = w[:k] + w[k + 1] + w[k] + w[k + 2 :]
                text = " ".join(words)
        return text.lower() if self.random.random() < 0.06 else text


def _ended(text: str) -> str:
    """A Chinese clause with the stop it needs; a question gets its mark."""
    if not text:
        return ""
    bare = text.rstrip(_STOPS)
    if bare[-1] in _ENDS:
        return bare
    asks = _ASKS.search(bare.rsplit("，", 1)[-1]) and not _WISHES.search(bare)
    return bare + ("？" if asks else "。")


def _ended_english(text: str) -> str:
    bare = text.rstrip()
    return bare if bare[-1] in _ENDS else bare + "."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
