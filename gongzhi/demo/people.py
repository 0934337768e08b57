"""Invented people: names, ways to reach them, and personal data that they let slip.

Telephone numbers begin with 1420, 1430 or 1540, which China has not given out; addresses end in
`example.com` (RFC 2606); identity numbers carry the code of this invented city and a right check
digit (GB 11643), bank cards a right one (ISO/IEC 7812).
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from stdnum import luhn
from stdnum.cn import ric

_SURNAMES = ["王", "李", "张", "刘", "陈", "杨", "黄", "赵", "吴", "周", "徐", "孙", "马", "朱", "胡", "郭", "何", "林", "罗", "高", "郑", "梁", "谢", "宋", "唐", "许", "韩", "冯", "邓", "曹", "彭", "曾", "肖", "田", "董", "袁", "潘", "于", "蒋", "蔡", "余", "杜", "叶", "程", "苏", "魏", "吕", "丁", "任", "沈"]  # fmt: skip
_GIVEN = ["伟", "芳", "娜", "秀英", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛", "明", "超", "秀兰", "霞", "平", "刚", "桂英", "文", "辉", "玲", "红", "建华", "志强", "婷", "雪", "晨", "宇轩", "子涵", "欣怡", "浩然", "梓萱", "建国", "国强", "春花", "海燕", "冬梅", "立新", "玉兰", "文斌", "思琪", "家豪", "俊杰", "雨桐", "淑珍", "永福", "世杰", "晓燕"]  # fmt: skip
_FIRST = ["Emma", "Daniel", "Grace", "Peter", "Aisha", "Tom", "Maria", "David", "Chloe", "James", "Fatima", "Lucas", "Hannah", "Samuel", "Olga", "Kwame", "Julia", "Marco", "Nina", "Oliver", "Priya", "Ben"]  # fmt: skip
_LAST = ["Miller", "Otieno", "Schmidt", "Rossi", "Kim", "Andersson", "Dubois", "Patel", "Novak", "Brown", "Mensah", "Garcia", "Nakamura", "Walsh", "Petrov", "Silva", "Larsen", "Khan", "Fischer", "Moreau"]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Planted:
    """A piece of personal data that stands in a text, so that masking can be measured.

    Attributes:
        kind: name, phone, email, id, plate or card.
        value: as it stands in the text.
    """

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who brings a matter; every part is invented."""

    surname: str
    full: str
    full_en: str
    phone: str
    email: str
    id_number: str
    plate: str
    card: str
    is_woman: bool

    def values(self, random: Random, place_zh: str, home_zh: str, home_en: str) -> dict[str, str]:
        """What can be put into a phrase, by the name of its slot."""
        room = random.randint(101, 2804)
        return {
            "sur": self.surname,
            "full": self.full,
            "full_en": self.full_en,
            "phone": self.phone,
            "phone_dashed": f"{self.phone[:3]}-{self.phone[3:7]}-{self.phone[7:]}",
            "email": self.email,
            "id": self.id_number,
            "plate": self.plate,
            "card": " ".join(self.card[i : i + 4] for i in range(0, len(self.card), 4)),
            "name": f"{self.surname}{'女士' if self.is_woman else '先生'}",
            "room": f"{random.randint(1, 20)}栋{room}",
            "room_en": f"flat {room}, {home_en}",
            "home": home_zh,
            "at0": place_zh,
        }


def speaker(random: Random) -> Speaker:
    """Somebody new."""
    surname, given = random.choice(_SURNAMES), random.choice(_GIVEN)
    first, last = random.choice(_FIRST), random.choice(_LAST)
    phone = random.choice(("1420", "1430", "1540")) + f"{random.randrange(10**7):07d}"
    born = f"{random.randint(1945, 2006)}{random.randint(1, 12):02d}{random.randint(1, 28):02d}"
    body = f"42900{random.randint(1, 4)}{born}{random.randrange(1000):03d}"
    card = f"62{random.randrange(10**16):016d}"
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZ"
    plate = f"鄂X{random.choice(letters)}{random.randrange(10**4):04d}"
    return Speaker(
        surname=surname,
        full=surname + given,
        full_en=f"{first} {last}",
        phone=phone,
        email=f"{first.lower()}.{last.lower()}{random.randint(1, 99)}@example.com",
        id_number=body + ric.calc_check_digit(body),
        plate=plate,
        card=card + luhn.calc_check_digit(card),
        is_woman=random.random() < 0.5,
    )


_KINDS = {
    "full": "name", "full_en": "name", "phone": "phone", "phone_dashed": "phone", "email": "email",
    "id": "id", "plate": "plate", "card": "card",
}  # fmt: skip


def planted(phrase: str, values: dict[str, str]) -> tuple[Planted, ...]:
    """The personal data that a phrase brings into a text."""
    return tuple(Planted(kind, values[slot]) for slot, kind in _KINDS.items() if "{" + slot + "}" in phrase)
