"""One city for the tests of a file about who may see and do what; every test leaves it as it was."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from gongzhi.registry.authority import actor_of
from gongzhi.registry.models import Person
from tests.security.world import World, build


@pytest.fixture(scope="module")
def built(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """The city with its matters, in a transaction that is taken back at the end."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield build(lambda username: actor_of(Person.objects.get(username=username)))
        transaction.set_rollback(True)


@pytest.fixture
def world(built: World, db: None) -> World:
    """The city; whatever a test writes is taken back after it."""
    return built


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    """All tests here share one city: what is remembered of it stays right."""
