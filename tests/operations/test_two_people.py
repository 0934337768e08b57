"""R7: many people on one case at once: no update is lost, and who comes second is told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from gongzhi.cases import actions
from gongzhi.cases.models import Case, Message
from gongzhi.errors import Conflict
from gongzhi.intake.actions import receive
from gongzhi.intake.submission import Submission
from gongzhi.ledger.models import Act
from gongzhi.registry.authority import Actor, actor_of
from gongzhi.registry.models import Person
from tests.conftest import HERE
from tests.operations.conftest import PROVE

WRITERS = 50 if PROVE else 8
EDITS = 20 if PROVE else 5


@pytest.mark.usefixtures("committed")
def test_no_edit_of_many_writers_is_lost() -> None:
    number = receive(Submission("门口的路灯坏了", lng=HERE[0], lat=HERE[1])).number
    case_id = Case.objects.get(number=number).pk
    worker = actor_of(Person.objects.get(username="worker"))
    with ThreadPoolExecutor(WRITERS) as pool:
        told = list(pool.map(lambda n: _writes(worker, case_id, n), range(WRITERS)))
    case = Case.objects.get(pk=case_id)
    noted = Message.objects.filter(case=case, audience="internal").values_list("text", flat=True)
    assert sorted(noted) == sorted(f"{n}-{k}" for n in range(WRITERS) for k in range(EDITS))
    assert case.version == 1 + WRITERS * EDITS
    acts = Act.objects.filter(subject_kind="case", subject_id=case_id, verb="case.note").count()
    assert acts == WRITERS * EDITS
    assert sum(told) > 0, "nobody ever came second, so nothing was tried"


def _writes(worker: Actor, case_id: int, writer: int) -> int:
    """Write every note of one writer, reading again whenever told to; gives how often that was."""
    told = 0
    try:
        for edit in range(EDITS):
            while True:
                case = Case.objects.get(pk=case_id)
                try:
                    actions.note(worker, case, f"{writer}-{edit}")
                    break
                except Conflict:
                    told += 1
    finally:
        connection.close()
    return told
