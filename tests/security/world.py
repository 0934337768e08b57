"""What the tests of security attack: two confidential matters, their people, and everything around them.

`mine` is held by the City Management Bureau and was raised by the resident; `theirs` is held by the
Housing Bureau and was raised by another resident. Each is full of words that stand nowhere else
(`Canaries`), so that a page which shows too much gives itself away.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta

from django.test import Client
from django.utils import timezone
from PIL import Image

from gongzhi.api import keys
from gongzhi.cases import actions, attachments
from gongzhi.cases.actions import Contact
from gongzhi.cases.models import Attachment, Case, Party, ReplyWording, Task
from gongzhi.coordination.actions import directives, incidents, partners, task_forces, whistles
from gongzhi.coordination.actions.incidents import Measures
from gongzhi.coordination.actions.partners import Terms
from gongzhi.coordination.actions.whistles import Spot
from gongzhi.grid.actions import Draft, entry_of
from gongzhi.intake.actions import receive
from gongzhi.intake.counters import calling, setting_up, tickets
from gongzhi.intake.counters.models import Source
from gongzhi.intake.counters.setting_up import Named
from gongzhi.intake.submission import Receipt, Submission
from gongzhi.ledger.sequencer import sequence
from gongzhi.registry import authority
from gongzhi.registry.authority import Actor
from gongzhi.registry.models import Area, Crew, Organisation, Person, Post
from tests.conftest import HERE

Staff = Callable[[str], Actor]

BACKEND = "django.contrib.auth.backends.ModelBackend"
ACCOUNTS = {
    "operator": "operator",
    "worker": "worker",
    "other_worker": "worker-housing",
    "supervisor": "supervisor",
    "other_supervisor": "supervisor-housing",
    "leader": "leader",
    "dispatcher": "dispatcher",
    "administrator": "administrator",
    "analyst": "analyst",
    "street": "worker-429001001",
    "partner": "worker-power",
    "grid": "gridworker",
}
"""Role in the matrix → the account of the demo city that has it."""
ROLES = ("anonymous", "resident", "other_resident", "postless", "open311_key", *ACCOUNTS)


@dataclass(frozen=True, slots=True)
class Canaries:
    """Words of one matter that stand nowhere else, by what may read them."""

    phone: str
    name: str
    text: str
    address: str
    note: str
    answer: str
    said: str

    def all(self) -> dict[str, str]:
        return {field: getattr(self, field) for field in self.__slots__}

    def of_requester(self) -> set[str]:
        """What the requester does not see of the own matter: what staff note among themselves."""
        return set(self.all()) - {"note"}


MINE = Canaries(
    "13911110001", "钱塘鸥", "紫杉木梯子缺角", "云雀里七十一号", "内勤记蓝鲸", "答复称银杏", "补充说石榴"
)
THEIRS = Canaries(
    "13922220002", "孙海棠", "青铜风铃坠落", "白鹭里八十二号", "内勤记红隼", "答复称梧桐", "补充说枇杷"
)

PERSON = Canaries("13933330003", "阮凤翎", "", "墨雀弄九号", "记着玄武岩", "", "")
"""Of the register of a cell: shown to nobody who does not ask for it with a form."""


@dataclass(slots=True)
class World:
    """The numbers, keys and secrets that addresses are made of."""

    staff: Staff
    cases: dict[str, Case] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)
    key: str = ""
    """Of a system that works as the City Management Bureau."""
    relaying_key: str = ""

    def client(self, role: str, *, csrf: bool = False) -> Client:
        """A browser (or program) of somebody in this role."""
        client = Client(enforce_csrf_checks=csrf, raise_request_exception=False)
        if role in ACCOUNTS:
            client.force_login(Person.objects.get(username=ACCOUNTS[role]), BACKEND)
        elif role == "postless":
            client.force_login(Person.objects.get(username="postless"), BACKEND)
        elif role in ("resident", "other_resident"):
            whose = "mine" if role == "resident" else "theirs"
            session = client.session
            session[f"party:{self.cases[whose].number}"] = Party.objects.get(case=self.cases[whose]).pk
            session.save()
            client.cookies["sessionid"] = session.session_key
        return client


def build(staff: Staff) -> World:
    world = World(staff)
    Person.objects.create_user(username="postless", password=None)
    _matters(world)
    _together(world)
    _hall(world)
    _in_the_cells(world)
    worker = Post.objects.get(pk=staff("worker").post_id or 0)
    world.key = keys.make(staff("administrator"), "巡检系统", worker)
    world.relaying_key = keys.make(staff("administrator"), "转接系统")
    sequence()
    for case in world.cases.values():
        case.refresh_from_db()
    return world


def picture(colour: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (40, 30), (colour, 90, 30)).save(stream, "JPEG")
    return stream.getvalue()


def _receive(words: Canaries | None, **fields: object) -> Receipt:
    text = f"小区{words.text}，很危险，请尽快处理，我是{words.name}" if words else "门口的路灯坏了好几天"
    contact = Contact(words.name, words.phone, "") if words else Contact()
    return receive(
        Submission(text, **{"lng": HERE[0], "lat": HERE[1], "contact": contact, **fields})  # type: ignore[arg-type]
    )


def _matters(world: World) -> None:
    colour = 10
    for whose, words, worker in (("mine", MINE, "worker"), ("theirs", THEIRS, "worker-housing")):
        colour += 60
        receipt = _receive(
            words,
            function_code="lighting",
            is_confidential=True,
            address=words.address,
            photos=(attachments.store(picture(colour), "a.jpg"),),
        )
        case = Case.objects.get(number=receipt.number)
        held_by = world.staff(worker).organisation_id
        if case.organisation_id != held_by:
            to = Organisation.objects.get(pk=held_by or 0)
            case = actions.assign(world.staff("dispatcher"), case, to, reason="核定")
        actor = world.staff(worker)
        party = Party.objects.get(case=case)
        case = actions.accept(actor, case)
        actions.note(actor, case, words.note)
        case = Case.objects.get(pk=case.pk)
        actions.reply(actor, case, words.answer)
        case = Case.objects.get(pk=case.pk)
        actions.say(Actor(kind="anonymous", party_ids=frozenset({party.pk})), case, words.said)
        world.cases[whose] = Case.objects.get(pk=case.pk)
        world.secrets[whose] = receipt.secret
        world.files[whose] = Attachment.objects.get(case=case).pk
    receipt = _receive(None, function_code="lighting")
    foreign = Case.objects.get(number=_receive(None, function_code="lighting").number)
    housing = Organisation.objects.get(code="housing")
    world.cases["foreign"] = actions.assign(world.staff("dispatcher"), foreign, housing, reason="核定")
    world.cases["public"] = Case.objects.get(number=receipt.number)
    world.secrets["public"] = receipt.secret
    assert not world.cases["mine"].is_public and not world.cases["theirs"].is_public


def _together(world: World) -> None:
    staff, now = world.staff, timezone.now()
    part = actions.ask_part(
        staff("worker"),
        world.cases["mine"],
        Organisation.objects.get(code="water"),
        request="请协助核实",
    )
    world.ids["part"] = part.pk
    lead = Task.objects.get(case=world.cases["mine"], role=Task.Role.LEAD, state=Task.State.ACCEPTED)
    crew = Crew.objects.order_by("pk").filter(post__organisation=lead.organisation).first()
    assert crew is not None
    world.ids |= {"task": lead.pk, "crew": crew.pk}
    world.ids["part_of"] = part.organisation_id
    street = Organisation.objects.get(code="gov-429001")
    directive = directives.issue(
        staff("leader"),
        "密令甲",
        "密令正文",
        [street],
        due_at=now + timedelta(days=3),
        form={
            "type": "object",
            "properties": {"f1": {"type": "string", "title": "说明"}},
            "required": ["f1"],
        },
    )
    world.ids["directive"] = directive.pk
    partner = Organisation.objects.get(code="waterworks")
    partners.sign(
        staff("leader"),
        partner,
        "密约乙",
        Area.objects.get(code="429000"),
        Terms(
            functions=["street-lighting"],
            working_days=3,
            valid_from=date(now.year, 1, 1),
            valid_until=date(now.year, 12, 31),
            fee_cents=8_000,
        ),
    )
    incident = incidents.declare(
        staff("leader"),
        "防汛应急",
        Area.objects.get(code="429001"),
        2,
        Measures(resolve_hours=4, report_hours=2),
    )
    world.ids["incident"] = incident.pk
    incidents.say(staff("leader"), incident, "内部情况丙", is_public=False)
    incidents.say(staff("leader"), incident, "公开情况丁", is_public=True)
    force = task_forces.form(
        staff("supervisor"),
        "专班戊",
        "专班目的己",
        [Post.objects.get(pk=staff("leader").post_id or 0)],
        until=now + timedelta(days=10),
        cases=[world.cases["mine"]],
    )
    world.ids["task_force"] = force.pk
    task_forces.comment(staff("supervisor"), force, "专班言论庚")
    whistle = whistles.call(
        staff("worker-429001001"),
        "哨声辛",
        Spot("枫林路12号", *HERE),
        [Organisation.objects.get(code="urban")],
        urgency="urgent",
    )
    world.ids["whistle"] = whistle.pk
    world.ids["call"] = whistle.calls.get().pk
    world.ids["foreign_post"] = staff("supervisor-power").post_id or 0
    actions.keep_wording(staff("worker"), "用语壬", "用语正文癸")
    world.ids["wording"] = ReplyWording.objects.get(title="用语壬").pk
    world.ids["filter"] = actions.keep_filter(staff("worker"), "筛选子", "tab=all").pk


def _hall(world: World) -> None:
    """A hall of the hotline with a number that waits; open because somebody sits at its first counter."""
    supervisor = world.staff("supervisor-hotline")
    hotline = Organisation.objects.get(code="hotline")
    hall = setting_up.make_hall(supervisor, "hall", Named("大厅"), hotline)
    queue = setting_up.add_queue(supervisor, hall, "A", Named("综合业务"))
    first, free = (setting_up.add_counter(supervisor, hall, Named(f"{n}号窗口"), [queue]) for n in "12")
    calling.open_counter(world.staff("operator-2"), first)
    ticket, secret = tickets.take(authority.ANONYMOUS, queue, source=Source.KIOSK)
    world.ids |= {"queue": queue.pk, "counter": free.pk, "ticket": ticket.pk}
    world.secrets["ticket"] = secret


def _in_the_cells(world: World) -> None:
    """A person in the cell of the role `grid`, and one in the next cell, with words that stand nowhere else."""
    for name, code in (("entry", "429001001007"), ("foreign_entry", "429001001003")):
        area = Area.objects.get(code=code)
        draft = Draft(
            f"{code[-3:]}-1", "person", PERSON.name, area.pk, address=PERSON.address, phone=PERSON.phone,
            notes=PERSON.note, every_days=7,
        )  # fmt: skip
        entry = entry_of(draft, date.today() - timedelta(days=9))
        entry.save()
        world.ids[name] = entry.pk
    world.ids["grid_person"] = world.staff("gridworker").person_id or 0
