"""Every address × every role answers as the matrix says, and shows nobody what a page would hide."""

from __future__ import annotations

import base64
import uuid
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from gongzhi.cases.models import Case, Message, Party, SavedFilter
from gongzhi.coordination import signatures
from gongzhi.ledger import tree
from gongzhi.ledger.keys import signing_key
from gongzhi.ledger.models import Act
from tests.security import matrix
from tests.security.matrix import MATRIX, OF_MINE, OF_THEIRS, Deed
from tests.security.routes import routes
from tests.security.world import MINE, PERSON, ROLES, THEIRS, World

pytestmark = pytest.mark.django_db
REFUSED = (401, 403, 404, 405)
NOT_READY = {"/readyz": 503}
"""There is no worker in the tests, and the answer says so."""
OPEN_TO_ALL_FOR = ("anonymous", "other_resident", "other_worker", "partner", "administrator")
"""What everybody may open looks at nobody's post: these stand for all."""


def values(world: World) -> dict[str, Any]:
    """What stands for the braces in the matrix."""
    found: dict[str, Any] = {whose: case.number for whose, case in world.cases.items()}
    found |= {f"{whose}_secret": secret for whose, secret in world.secrets.items()}
    found |= {f"{whose}_file": pk for whose, pk in world.files.items()}
    found |= dict(world.ids)
    head = tree.head()
    act = Act.objects.filter(subject_kind="case", subject_id=world.cases["mine"].pk).order_by("pk")[0]
    return found | {
        "mine_text": MINE.text,
        "mine_phone": MINE.phone,
        "theirs_phone": THEIRS.phone,
        "person_name": PERSON.name,
        "uuid": uuid.UUID(int=7),
        "act": act.pk,
        "size": head.size if head else 0,
    }


def is_refused(response: HttpResponse) -> bool:
    to_sign_in = response.status_code == 302 and response["Location"].startswith("/accounts/login/")
    return to_sign_in or response.status_code in REFUSED


def content_of(response: Any) -> str:
    raw = b"".join(response.streaming_content) if response.streaming else response.content
    return raw.decode("utf-8", "replace") + str(dict(response.headers))


def shown_too_much(role: str, path: str, text: str) -> list[str]:
    """The canaries in an answer that this role must not read, at this address."""
    found = [name for name, secret in secrets_of_the_system().items() if secret in text]
    for whose, words, house, own in (
        ("mine", MINE, OF_MINE, "resident"),
        ("theirs", THEIRS, OF_THEIRS, "other_resident"),
    ):
        allowed: set[str] = set(words.all()) if role in house else set()
        if (role == own or f"{{{whose}_secret}}" in path) and path.startswith("/follow/"):
            allowed |= words.of_requester()
        asked = {n for n, word in words.all().items() if f"{{{whose}_{n}}}" in path}
        found += [
            f"{whose}.{name}" for name, word in words.all().items()
            if word in text and name not in allowed | asked
        ]  # fmt: skip
    found += [
        f"person.{n}"
        for n, word in PERSON.all().items()
        if word and word in text and f"{{person_{n}}}" not in path
    ]
    return found


def secrets_of_the_system() -> dict[str, str]:
    """What no answer ever holds (S11)."""
    federation = signatures.own_key().private_bytes_raw()
    return {
        "secret key": settings.SECRET_KEY,
        "federation key": base64.b64encode(federation).decode(),
        "ledger key": base64.b64encode(signing_key().private_bytes_raw()).decode(),
        "file of keys": str(settings.LEDGER_KEY_FILE.parent),
    }


def test_every_address_has_a_row() -> None:
    known = set(routes())
    assert sorted(known - set(MATRIX)) == [], "addresses without a row"
    assert sorted(set(MATRIX) - known) == [], "rows without an address"


@pytest.mark.parametrize("role", ROLES)
def test_pages_open_for_those_who_may_and_show_nothing_else(world: World, role: str) -> None:
    client, wrong = world.client(role), []
    given = values(world)
    for row in MATRIX.values():
        for visit in row.visits:
            if visit.who == matrix.EVERYBODY and role not in OPEN_TO_ALL_FOR:
                continue
            path = quote(visit.path.format(**given), safe="/?=&,:")
            response = client.get(path, REMOTE_ADDR="203.0.113.9")
            text = content_of(response)
            if response.status_code >= 500 and response.status_code != NOT_READY.get(visit.path):
                wrong.append(f"{visit.path}: {response.status_code}")
            elif is_refused(response) == (role in visit.who):
                wrong.append(f"{visit.path}: {response.status_code}, expected for {role in visit.who=}")
            too_much = shown_too_much(role, visit.path, text)
            if too_much:
                wrong.append(f"{visit.path}: shows {too_much}")
    assert not wrong, "\n".join(wrong)


def post(client: Client, world: World, role: str, deed: Deed) -> Any:
    """Send the deed's form or document as a browser or program of this role would."""
    given = values(world)
    path = deed.path.format(**given)
    body = {n.format(**given): v.format(**given) if isinstance(v, str) else v for n, v in deed.body.items()}
    if deed.json:
        return client.post(path, body, content_type="application/json", REMOTE_ADDR="203.0.113.9")
    if role == "open311_key" and path.startswith("/open311/"):
        body = {"api_key": world.key, **body}
    if "version" in body:
        body["version"] = str(world.cases["mine"].version)
    return client.post(path, body, REMOTE_ADDR="203.0.113.9")


@pytest.mark.parametrize("role", ROLES)
def test_only_those_who_may_do_it(world: World, role: str) -> None:
    client, wrong = world.client(role), []
    for row in MATRIX.values():
        for deed in row.deeds:
            if deed.who == matrix.EVERYBODY and role not in OPEN_TO_ALL_FOR:
                continue
            with transaction.atomic():
                before = written()
                response = post(client, world, role, deed)
                did = written() != before
                transaction.set_rollback(True)
            what = f"{deed.path} {deed.body.get('verb', '')}: {response.status_code}"
            if response.status_code >= 500:
                wrong.append(what)
            elif is_refused(response) == (role in deed.who):
                wrong.append(f"{what}, expected for {role in deed.who=}")
            elif did and role not in deed.who:
                wrong.append(f"{what}: refused, but something was written")
    assert not wrong, "\n".join(wrong)


def written() -> tuple[object, ...]:
    """What stands in the record, except that a partner looked where it must not."""
    acts = Act.objects.exclude(verb="partner.refuse_reading").count()
    return (
        acts,
        Message.objects.count(),
        Party.objects.count(),
        list(Case.objects.order_by("pk").values_list("version")),
    )


@pytest.mark.parametrize("verb", ["accept", "note", "transfer"])
def test_many_cases_at_once_are_refused_one_by_one(world: World, verb: str) -> None:
    case, before = world.cases["mine"], written()
    form = {"verb": verb, "text": "偷看", "to": "housing", "case": f"{case.number}:{case.version}"}
    world.client("other_worker").post("/desk/worklist/act", form)
    assert written() == before


def test_a_kept_filter_is_dropped_only_by_its_owner(world: World) -> None:
    for role in ("other_worker", "supervisor"):
        world.client(role).post("/desk/worklist/filters", {"drop": str(world.ids["filter"])})
        assert SavedFilter.objects.filter(pk=world.ids["filter"]).exists()
    world.client("worker").post("/desk/worklist/filters", {"drop": str(world.ids["filter"])})
    assert not SavedFilter.objects.filter(pk=world.ids["filter"]).exists()


def test_nobody_merges_a_case_into_one_that_is_kept_from_them(world: World) -> None:
    """Otherwise the people of the merged case would follow a confidential matter of others."""
    case, theirs = world.cases["mine"], world.cases["theirs"]
    before = Party.objects.filter(case=theirs).count()
    form = {"verb": "merge", "into": theirs.number, "text": "重复", "version": str(case.version)}
    assert world.client("worker").post(f"/desk/cases/{case.number}/", form).status_code == 403
    assert Party.objects.filter(case=theirs).count() == before
