"""Staff who are signed in, and cases for them to work on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from gongzhi.cases.models import Case

English = {"HTTP_ACCEPT_LANGUAGE": "en"}


@pytest.fixture
def desk_of(db: None) -> Callable[[str], Client]:
    """A browser in which a demo account is signed in."""
    from gongzhi.registry.models import Person

    def _desk_of(username: str) -> Client:
        client = Client(**English)  # type: ignore[arg-type]
        client.force_login(
            Person.objects.get(username=username), backend="django.contrib.auth.backends.ModelBackend"
        )
        return client

    return _desk_of


@pytest.fixture
def a_case(submit):  # type: ignore[no-untyped-def]
    """A street lamp that is out, with the city management bureau."""

    def _a_case(text: str = "门口的路灯坏了好几天，晚上很黑", **fields: object) -> Case:
        return Case.objects.get(number=submit(text, function_code="lighting", **fields).number)

    return _a_case
