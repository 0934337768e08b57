"""What tests share: a PostgreSQL of their own, the demo city, and cases to work on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("gongzhi", deadline=None)
settings.load_profile("gongzhi")
PACK = Path(__file__).parent.parent / "cities" / "linjiang"
HERE = (111.36, 30.52)
"""A point in Fenglin Street of Linjiang."""
PASSWORD = "linjiang-demo"


def fresh_city() -> None:
    from gongzhi.cases import serials
    from gongzhi.registry import packs
    from gongzhi.routing import findings
    from gongzhi.understanding import training

    serials.forget()
    findings.forget()
    packs.load(PACK, password=PASSWORD)
    training.train()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: object) -> Iterator[None]:
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        fresh_city()
    yield


@pytest.fixture
def committed(transactional_db: None) -> Iterator[None]:
    """A database whose commits are real, for tests with several connections."""
    yield
    _refuse_truncate("DISABLE")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """After a test with real commits the tables are emptied: describe the city anew."""
    yield
    if "committed" in getattr(item, "fixturenames", ()) and nextitem is not None:
        from pytest_django.plugin import blocking_manager_key

        with item.config.stash[blocking_manager_key].unblock():
            _refuse_truncate("ENABLE")
            fresh_city()


def _refuse_truncate(verb: str) -> None:
    """Acts refuse TRUNCATE, with which a transactional test is cleaned up."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE ledger_act {verb} TRIGGER act_no_truncate")


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    from django.utils import translation

    from gongzhi.registry import snapshot
    from gongzhi.routing import findings
    from gongzhi.understanding import places, reading

    snapshot.forget()
    places.forget()
    reading.forget()
    findings.forget()
    yield
    translation.deactivate()


@pytest.fixture
def submit(db: None):  # type: ignore[no-untyped-def]
    """Take a matter in through the window and give its receipt."""
    from gongzhi.intake.actions import receive
    from gongzhi.intake.submission import Submission

    def _submit(text: str = "门口的路灯坏了好几天，晚上很黑", **fields: object):  # type: ignore[no-untyped-def]
        return receive(Submission(text, **{"lng": HERE[0], "lat": HERE[1], **fields}))  # type: ignore[arg-type]

    return _submit


@pytest.fixture
def staff(db: None):  # type: ignore[no-untyped-def]
    """The actor behind a demo account."""
    from gongzhi.registry.authority import actor_of
    from gongzhi.registry.models import Person

    return lambda username: actor_of(Person.objects.get(username=username))
