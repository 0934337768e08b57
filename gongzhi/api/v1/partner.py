"""/api/v1/partner: a partner works its tasks with its own system, as it could at the desk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from django.conf import settings
from django.http import FileResponse, HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from ninja import Path, Query, Router
from pydantic import BaseModel

from gongzhi.api.v1 import bearer, cases, sending
from gongzhi.api.v1.partner_shapes import (
    MessageIn,
    ResultIn,
    ReturnIn,
    TasksOut,
    TasksQuery,
    WholeTaskOut,
    Whom,
)
from gongzhi.cases import actions, attachments
from gongzhi.cases.models import Attachment, Message, Task
from gongzhi.coordination import partner_work
from gongzhi.coordination.partner_work import Work
from gongzhi.errors import NotAllowed, NotFound
from gongzhi.registry import snapshot
from gongzhi.registry.authority import Actor

router = Router()
_TAG = [gettext_noop("For partners")]
Id = Annotated[int, Path(..., ge=1, le=2**53)]
TAKES: dict[str, type[BaseModel]] = {"returnTask": ReturnIn, "finishTask": ResultIn, "sayOnTask": MessageIn}
"""Operation → the document it takes as JSON."""
READS = ("listTasks", "getTask", "getTaskFile", "acceptTask")


@router.get(
    "/partner/tasks",
    response=TasksOut,
    operation_id="listTasks",
    tags=_TAG,
    summary=gettext_noop("List the partner's tasks"),
    description=gettext_noop(
        "With a key that works in a post of the partner (gongzhi keys add NAME --post CODE). Newest first."
    ),
)
def list_tasks(request: HttpRequest, asked: Query[TasksQuery]) -> dict[str, Any]:
    found = partner_work.tasks(_actor(request), only_open=not asked.all, after=asked.after, limit=asked.limit)
    following = found[-1].task.pk if len(found) == asked.limit else None
    return {"tasks": [_document(work) for work in found], "next": following}


@router.get(
    "/partner/tasks/{task_id}",
    response=WholeTaskOut,
    operation_id="getTask",
    tags=_TAG,
    summary=gettext_noop("Read a task with files and messages"),
    description=gettext_noop(
        "A task of others is refused; that a partner asked for a matter outside its agreements is recorded."
    ),
)
def get_task(request: HttpRequest, task_id: Id) -> dict[str, Any]:
    return _whole(partner_work.task(_actor(request), task_id))


@router.get(
    "/partner/tasks/{task_id}/files/{file_id}",
    operation_id="getTaskFile",
    tags=_TAG,
    summary=gettext_noop("Read a file of a task"),
)
def get_file(request: HttpRequest, task_id: Id, file_id: Id) -> FileResponse:
    work = partner_work.task(_actor(request), task_id)
    found = _files(work).filter(pk=file_id).first()
    if found is None:
        raise NotFound(_("There is no such file."))
    try:
        opened = attachments.path(found.sha256).open("rb")
    except OSError as problem:
        raise NotFound(_("There is no such file.")) from problem
    return FileResponse(
        opened,
        as_attachment=True,
        content_type=found.content_type,
        filename=attachments.safe_name(found.name),
        headers={"Cache-Control": "no-store"},
    )


@router.post(
    "/partner/tasks/{task_id}/accept",
    response=WholeTaskOut,
    operation_id="acceptTask",
    tags=_TAG,
    summary=gettext_noop("Take a task up"),
)
def accept_task(request: HttpRequest, task_id: Id) -> dict[str, Any]:
    actor = _actor(request)
    task = partner_work.task(actor, task_id).task
    if task.role == Task.Role.ASSIST:
        actions.accept_part(actor, task)
    else:
        actions.accept(actor, _led(task).case)
    return _whole(partner_work.task(actor, task_id))


@router.post(
    "/partner/tasks/{task_id}/return",
    response=WholeTaskOut,
    operation_id="returnTask",
    tags=_TAG,
    summary=gettext_noop("Give a task back with a reason"),
)
def return_task(request: HttpRequest, task_id: Id) -> dict[str, Any]:
    actor = _actor(request)
    task = partner_work.task(actor, task_id).task
    given = sending.json_in(request, ReturnIn)
    if task.role == Task.Role.ASSIST:
        actions.return_part(actor, task, reason_code=str(given.reason_code), reason=given.reason)
    else:
        actions.return_(actor, _led(task).case, reason_code=str(given.reason_code), reason=given.reason)
    return _whole(partner_work.task(actor, task_id))


@router.post(
    "/partner/tasks/{task_id}/result",
    response=WholeTaskOut,
    operation_id="finishTask",
    tags=_TAG,
    summary=gettext_noop("Report the result with evidence"),
)
def finish_task(request: HttpRequest, task_id: Id) -> dict[str, Any]:
    actor = _actor(request)
    task = partner_work.task(actor, task_id).task
    given = sending.json_in(request, ResultIn)
    photos = sending.stored(given.photos)
    if task.role == Task.Role.ASSIST:
        actions.finish_part(actor, task, given.text, photos=photos)
    else:
        actions.resolve(
            actor,
            _led(task).case,
            given.text,
            closure=str(given.closure),
            owner=given.owner,
            photos=photos,
            override_reason=given.override_reason,
        )
    return _whole(partner_work.task(actor, task_id))


@router.post(
    "/partner/tasks/{task_id}/messages",
    response=WholeTaskOut,
    operation_id="sayOnTask",
    tags=_TAG,
    summary=gettext_noop("Say something on a matter that is led"),
)
def say_on_task(request: HttpRequest, task_id: Id) -> dict[str, Any]:
    actor = _actor(request)
    task = _led(partner_work.task(actor, task_id).task)
    given = sending.json_in(request, MessageIn)
    if given.audience is Whom.INTERNAL:
        actions.note(actor, task.case, given.text)
    else:
        actions.reply(
            actor,
            task.case,
            given.text,
            audience=str(given.audience),
            photos=sending.stored(given.photos),
            override_reason=given.override_reason,
        )
    return _whole(partner_work.task(actor, task_id))


def _actor(request: HttpRequest) -> Actor:
    """The partner's post that the key works in.

    Raises:
        KeyNeeded: there is no valid key. NotAllowed: it works in no post, or not for a partner.
    """
    actor = bearer.sender(request).actor
    if actor is None:
        raise NotAllowed(_("This key works in no post."))
    partner_work.partner_of(actor)
    return actor


def _led(task: Task) -> Task:
    """The task, when it is the one by which the partner leads its matter now.

    Raises:
        NotAllowed: it only assists, or no longer leads.
    """
    if task.role == Task.Role.ASSIST or task.case.organisation_id != task.organisation_id:
        raise NotAllowed(_("The partner does not lead this matter (any more)."))
    return task


def _files(work: Work) -> Any:
    """All files of a matter that is led; of another's the public ones, and those of the own result."""
    files = Attachment.objects.filter(case_id=work.task.case_id).order_by("pk")
    if work.sees_private:
        return files
    own = files.filter(message__organisation_id=work.task.organisation_id)
    return own if not work.task.case.is_public else files.filter(is_public=True) | own


def _whole(work: Work) -> dict[str, Any]:
    root = f"{settings.PUBLIC_URL}/api/v1/partner/tasks/{work.task.pk}/files"
    files = [
        {"id": f.pk, "name": f.name, "content_type": f.content_type, "url": f"{root}/{f.pk}"}
        for f in _files(work)
    ]
    return {**_document(work), "files": files, "messages": _messages(work)}


def _messages(work: Work) -> list[dict[str, Any]]:
    said = Message.objects.filter(case_id=work.task.case_id).order_by("pk")
    if not work.sees_private:
        said = said.filter(organisation_id=work.task.organisation_id)
    organisations = snapshot.current().organisations
    found: Sequence[Message] = list(said)
    return [
        {
            "at": m.said_at,
            "by": organisations[m.organisation_id].code if m.organisation_id in organisations else None,
            "audience": m.audience,
            "text": m.text,
        }
        for m in found
    ]


def _document(work: Work) -> dict[str, Any]:
    task, case = work.task, work.task.case
    function = snapshot.current().functions.get(case.function_id or 0)
    agreement = work.agreement
    return {
        "id": task.pk,
        "role": task.role,
        "state": task.state,
        "case": case.number,
        "status": case.state,
        "request": task.request,
        "text": case.text if work.sees_private else case.public_text,
        "function": function.code if function else None,
        "function_name": cases.name_of(function),
        "address": case.address,
        "lat": case.lat,
        "lng": case.lng,
        "opened": task.opened_at,
        "due": task.due_at,
        "done": task.done_at,
        "result": task.result,
        "agreement": {
            "id": agreement.pk,
            "title": agreement.title,
            "valid_until": agreement.valid_until.isoformat(),
            "working_days": agreement.working_days,
        }
        if agreement
        else None,
        "people": [{"name": p.name, "phone": p.phone, "email": p.email} for p in work.parties],
    }
