"""Secrets stay where they belong, production refuses what is only fit for a trial, and people can be erased."""

from __future__ import annotations

import io
import logging
from typing import Any

import pytest
import structlog
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client, RequestFactory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gongzhi import logs
from gongzhi.cases import actions
from gongzhi.cases.actions import Contact
from gongzhi.cases.models import Attachment, Case, Message, Party
from gongzhi.environment import Environment, EnvironmentInvalid
from gongzhi.intake.actions import receive
from gongzhi.intake.submission import Submission
from gongzhi.ledger import receipts, sequencer, verification
from gongzhi.ledger.models import Act
from gongzhi.registry.authority import Actor
from gongzhi.web import last_good
from tests.conftest import HERE
from tests.security.world import MINE, THEIRS, World, picture

pytestmark = pytest.mark.django_db
PRODUCTION = {
    "GONGZHI_PRODUCTION": "1",
    "GONGZHI_SECRET_KEY": "kX8vQ2mZ7pL4wR9tY3nB6cF1hJ5sD0gA-uE_iOqW",
    "GONGZHI_PUBLIC_URL": "https://matters.city.example",
    "DATABASE_URL": "postgresql://gongzhi:canary-database@db.example/gongzhi",
    "EMAIL_URL": "smtp://mailer:canary-mail@mail.example:587/?tls=1",
    "GONGZHI_METRICS_TOKEN": "canary-metrics-token",
}


def test_production_starts_with_its_own_secrets() -> None:
    found = Environment.read(PRODUCTION)
    assert found.production and found.demo_matters == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GONGZHI_SECRET_KEY", ""),
        ("GONGZHI_SECRET_KEY", "changeme"),
        ("GONGZHI_SECRET_KEY", "a" * 60),
        ("GONGZHI_DEBUG", "1"),
        ("GONGZHI_RATE_LIMITS", "off"),
        ("GONGZHI_PUBLIC_URL", "http://matters.city.example"),
        ("GONGZHI_METRICS_TOKEN", "short"),
    ],
)
def test_production_refuses_what_is_only_fit_for_a_trial(name: str, value: str) -> None:
    with pytest.raises(EnvironmentInvalid, match=name):
        Environment.read(PRODUCTION | {name: value})


def test_settings_can_be_printed_without_a_secret() -> None:
    assert "canary" not in repr(Environment.read(PRODUCTION))


def test_no_secret_reaches_the_log(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither from an address nor a form nor an exception that quotes them."""
    canaries = [
        world.key,
        world.relaying_key,
        world.secrets["mine"],
        MINE.phone,
        MINE.text,
        "canary-database",
    ]
    stream = io.StringIO()
    handlers = logging.getLogger().handlers[:]
    level = logging.getLogger().level
    monkeypatch.setattr("sys.stderr", stream)
    try:
        logs.configure({"level": "DEBUG"})
        mine = world.cases["mine"].number
        client = Client(raise_request_exception=False)
        client.get(f"/follow/{mine}/{world.secrets['mine']}/")
        client.get(f"/cases/?q={MINE.text}&phone={MINE.phone}")
        client.post(
            "/open311/v2/servicerequestupdates.json", {"api_key": world.key, "service_request_id": mine}
        )
        client.post("/follow/", {"number": mine, "phone": MINE.phone})
        log = structlog.get_logger("gongzhi.test")
        log.error("x", api_key=world.key, url=f"https://c.example/?api_key={world.relaying_key}")
        log.error("x", link=f"https://c.example/follow/{mine}/{world.secrets['mine']}/", phone=MINE.phone)
        log.error("x", where=PRODUCTION["DATABASE_URL"])
        try:
            raise RuntimeError(f"{MINE.text} {world.key}")
        except RuntimeError:
            log.exception("failed")
        written = stream.getvalue()
    finally:
        logging.getLogger().handlers[:] = handlers
        logging.getLogger().setLevel(level)
    assert "failed" in written
    assert [c for c in canaries if c in written] == []


def test_the_record_holds_digests_and_no_words(world: World) -> None:
    acts = str(list(Act.objects.values_list("details", "reason", "subject_key")))
    canaries = [world.key, world.relaying_key, *world.secrets.values()]
    for words in (MINE, THEIRS):
        canaries += words.all().values()
    assert [c for c in canaries if c in acts] == []


def test_keys_are_kept_as_hashes_only(world: World) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT k::text FROM api_senderkey k UNION ALL SELECT p::text FROM cases_party p")
        rows = " ".join(row[0] for row in cursor.fetchall())
    assert world.key not in rows and world.secrets["mine"] not in rows


NAMES = st.sampled_from(["欧阳翠花", "司马光远", "王五", "Ann O'Neil"])


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    people=st.lists(st.tuples(NAMES, st.booleans(), st.booleans()), min_size=1, max_size=4),
    between=st.booleans(),
)
def test_erasing_people_leaves_every_proof_valid(world: World, people: list[Any], between: bool) -> None:
    with transaction.atomic():
        proofs: dict[int, Any] = {}
        for n, (name, is_erased, joins) in enumerate(people):
            phone = f"1370000{n:04}"
            receipt = receive(
                Submission(
                    f"我是{name}，电话{phone}，门口的路灯坏了",
                    lng=HERE[0],
                    lat=HERE[1],
                    contact=Contact(name, phone),
                )
            )
            case = Case.objects.get(number=receipt.number)
            if joins:
                actions.join(Actor(kind="anonymous"), case, Contact(name, phone), language="zh-hans")
                case.refresh_from_db()
            party = Party.objects.filter(case=case).order_by("pk").first()
            assert party is not None
            actions.say(
                Actor(kind="anonymous", party_ids=frozenset({party.pk})), case, f"{name}再说一句 {phone}"
            )
            if between:
                sequencer.sequence()
            if is_erased:
                for one in Party.objects.filter(case=case):
                    actions.erase(world.staff("administrator"), one, reason="当事人申请")
                rows = str([*Case.objects.filter(pk=case.pk).values_list(), *Party.objects.filter(case=case).values_list(),
                            *Message.objects.filter(case=case).values_list()])  # fmt: skip
                assert name not in rows and phone not in rows
            proofs |= dict.fromkeys(Act.objects.filter(subject_id=case.pk).values_list("pk", flat=True))
        sequencer.sequence()
        assert verification._verify().is_sound  # noqa: SLF001 – the tests' own transaction is already open
        assert all(receipts.proof_for(pk) is not None for pk in proofs)
        transaction.set_rollback(True)


def test_photos_of_an_erased_person_go_with_the_words(world: World) -> None:
    from gongzhi.cases import attachments

    case = world.cases["mine"]
    party = Party.objects.filter(case=case)[0]
    actor = Actor(kind="anonymous", party_ids=frozenset({party.pk}))
    actions.say(actor, case, "再补一张", photos=(attachments.store(picture(200), "b.jpg"),))
    assert Attachment.objects.filter(case=case).count() == 2
    actions.erase(world.staff("administrator"), party, reason="当事人申请")
    assert not Attachment.objects.filter(case=case).exists()


@pytest.mark.parametrize(
    ("cookies", "query"), [({"sessionid": "x"}, ""), ({"messages": "x"}, ""), ({}, "a=1")], ids=str
)
def test_a_page_for_one_visitor_is_never_kept_for_all(cookies: dict[str, str], query: str) -> None:
    last_good.forget()
    request = RequestFactory().get(f"/?{query}" if query else "/")
    request.COOKIES = cookies
    last_good.keep(request, HttpResponse("只给一个人看"))
    assert last_good.instead_of(RequestFactory().get("/")) is None
    last_good.keep(RequestFactory().get("/"), HttpResponse("给大家看"))
    assert last_good.instead_of(RequestFactory().get("/")) is not None
    last_good.forget()
