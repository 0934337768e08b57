from __future__ import annotations

import threading

import pytest
from django.db import connection, connections

from gongzhi.cases.actions import Contact
from gongzhi.cases.attachments import StoredFile
from gongzhi.cases.models import Case, Party, Task
from gongzhi.errors import Invalid, KeyReused, TooLarge
from gongzhi.intake.actions import receive
from gongzhi.intake.submission import Submission
from gongzhi.ledger.models import Act, Pending
from gongzhi.registry.models import Organisation
from gongzhi.routing.models import Finding
from tests.conftest import HERE

pytestmark = pytest.mark.django_db


def test_a_broken_lamp_goes_to_the_organisation_that_leads_street_lighting(submit) -> None:  # type: ignore[no-untyped-def]
    receipt = submit()
    case = Case.objects.get(number=receipt.number)
    assert (case.state, case.function.code) == ("assigned", "lighting")
    assert case.organisation.code == "urban"
    assert Task.objects.get(case=case).organisation_id == case.organisation_id
    act = Act.objects.get(subject_kind="case", subject_id=case.pk)
    assert Pending.objects.filter(act_id=act.pk).exists()


def test_a_local_matter_goes_to_the_street(submit) -> None:  # type: ignore[no-untyped-def]
    receipt = submit("流动摊贩占道", function_code="street-vending")
    assert Organisation.objects.get(pk=receipt.organisation_id).level == "street"


def test_an_overlap_of_mandates_is_decided_and_recorded(submit) -> None:  # type: ignore[no-untyped-def]
    receipt = submit("工地凌晨还在打桩", function_code="noise-construction")
    assert Case.objects.get(number=receipt.number).route["rule"] == "overlap"
    assert Finding.objects.filter(kind="overlap").exists()


def test_a_gap_goes_to_the_desk_that_receives_first(submit) -> None:  # type: ignore[no-untyped-def]
    from gongzhi.registry import snapshot
    from gongzhi.registry.models import Mandate

    Mandate.objects.filter(function__code="pets").delete()
    snapshot.forget()
    receipt = submit("流浪狗追人", function_code="pets")
    assert Organisation.objects.get(pk=receipt.organisation_id).code == "hotline"
    assert Finding.objects.filter(kind="gap").exists()


def test_personal_data_is_not_in_the_public_text_nor_in_the_ledger(submit) -> None:  # type: ignore[no-untyped-def]
    receipt = submit("路灯坏了，我叫张三丰，电话13812345678", contact=Contact(phone="138 1234 5678"))
    case = Case.objects.get(number=receipt.number)
    assert "13812345678" in case.text
    for public in (case.public_text, str(receipt.document)):
        assert "13812345678" not in public and "张三丰" not in public
    assert Party.objects.get(case=case).phone == "13812345678"


@pytest.mark.parametrize(
    ("fields", "named"),
    [({"text": " "}, "text"), ({"text": "a\x00b"}, "text"), ({"lat": 91.0}, "lat"), ({"lat": float("nan")}, "lat"), ({"lng": None}, "lat"), ({"lng": 0.0, "lat": 0.0}, "lat"), ({"function_code": "nothing"}, "function"), ({"contact": Contact(phone="abc")}, "phone")],
)  # fmt: skip
def test_bad_input_names_the_field_and_writes_nothing(submit, fields, named) -> None:  # type: ignore[no-untyped-def]
    before = Case.objects.count()
    with pytest.raises(Invalid) as problem:
        submit(**fields) if "text" in fields else submit("路灯坏了", **fields)
    assert named in problem.value.fields
    assert Case.objects.count() == before


def test_a_megabyte_of_text_is_refused(submit) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(TooLarge):
        submit("灯" * 1_000_000)


def test_the_same_key_gives_the_same_case_and_another_body_is_refused(submit) -> None:  # type: ignore[no-untyped-def]
    first = submit(idempotency_key="k1")
    assert submit(idempotency_key="k1") == first
    with pytest.raises(KeyReused):
        submit("别的事情，路面有坑", idempotency_key="k1")


def test_receiving_takes_few_round_trips(submit, django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]
    submit()
    with django_assert_max_num_queries(7):
        submit()


def test_the_statement_that_opens_a_case_is_planned_once_a_connection(submit) -> None:  # type: ignore[no-untyped-def]
    for _ in range(3):
        submit()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), sum(generic_plans + custom_plans) FROM pg_prepared_statements"
            " WHERE statement LIKE '%%INSERT INTO cases_case%%'"
        )
        assert cursor.fetchone() == (1, 3)


def test_ten_at_once_with_one_key_make_one_case(committed: None) -> None:
    answers: list[object] = []

    def send() -> None:
        try:
            answers.append(receive(Submission("路灯坏了", lng=HERE[0], lat=HERE[1], idempotency_key="same")))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=send) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 10 and all(a == answers[0] for a in answers)
    assert Case.objects.count() == 1
    connection.close()


def test_photos_come_with_the_case_and_stay_private_until_released(submit) -> None:  # type: ignore[no-untyped-def]
    stored = StoredFile("a" * 64, "image/jpeg", 10, 4, 3, "lamp.jpg")
    case = Case.objects.get(number=submit(photos=(stored,)).number)
    (kept,) = case.attachments.all()
    assert (kept.sha256, kept.name, kept.is_public) == ("a" * 64, "lamp.jpg", False)
