"""Addresses of Open311 GeoReport v2."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from gongzhi.api import keys
from gongzhi.api.http import answered, client_of
from gongzhi.api.keys import Sender
from gongzhi.api.open311 import asking, documents, formats, reading
from gongzhi.api.open311.formats import Document
from gongzhi.api.uploads import files_in
from gongzhi.cases import numbers, queries
from gongzhi.cases.actions import Contact
from gongzhi.errors import GongzhiError, Invalid, NotAllowed, NotFound
from gongzhi.intake.actions import receive
from gongzhi.intake.relaying import Told, relay, work_on
from gongzhi.intake.submission import Submission
from gongzhi.registry import snapshot
from gongzhi.registry.snapshot import Snapshot

Answer = Callable[..., Document]


def view_of(**by_method: Answer) -> Callable[..., HttpResponse]:
    """A view that asks the function for the method and answers in the client's format."""

    def view(request: HttpRequest, extension: str = "", **named: str) -> HttpResponse:
        form = formats.chosen(request, extension)
        _jurisdiction(request)
        document = by_method[str(request.method).lower()](request, **named)
        return formats.response(document, form, 201 if request.method == "POST" else 200)

    return answered(view, [method.upper() for method in by_method])


def error(request: HttpRequest, problem: GongzhiError, status: int) -> HttpResponse:
    """An error as GeoReport's own document: 400 for what is wrong with the parameters, 403 for the key."""
    status = {422: 400, 401: 403}.get(status, status)
    told = [f"{name}: {text}" for name, text in problem.fields.items()] or [str(problem.message)]
    extension = request.path.rpartition(".")[2]
    form = formats.chosen(request, extension if extension in ("json", "xml") else "")
    return formats.response(formats.errors(status, told), form, status)


def _jurisdiction(request: HttpRequest) -> None:
    written = request.GET.get("jurisdiction_id") or request.POST.get("jurisdiction_id") or ""
    city = snapshot.current().city
    host = settings.PUBLIC_URL.split("//")[-1].split("/")[0]
    known = {city.code, city.name_zh, city.name_en.lower(), host, host.split(":")[0]}
    if written and written.lower() not in known | {k.lower() for k in known}:
        raise NotFound(_("There is no such jurisdiction_id here."))


def _config(registry: Snapshot) -> dict[str, object]:
    return dict(registry.city.config.get("open311", {}))


def _sender(form: QueryDict, registry: Snapshot) -> Sender | None:
    """The system whose key came with the form.

    Raises:
        NotAllowed: the key is unknown, or there is none although the city asks for one.
    """
    given = form.get("api_key", "").strip()
    found = keys.holder(given) if given else None
    if found is None and _config(registry).get("key_required"):
        raise NotAllowed(_("Send the api_key that the city gave you."))
    if found is None and given.startswith(keys.BEGINNING):
        raise NotAllowed(_("This api_key is not known here, or no longer."))
    return found


def discover(request: HttpRequest) -> Document:
    registry = snapshot.current()
    return documents.discovery(str(_config(registry).get("contact", registry.city.name)))


def services(request: HttpRequest) -> Document:
    return documents.services(snapshot.current())


def service(request: HttpRequest, code: str) -> Document:
    view = snapshot.current().function_by_code.get(code)
    if code == documents.GENERAL:
        return documents.definition(code, [])
    if view is None or not view.is_leaf:
        raise NotFound(_("There is no such service."))
    return documents.definition(code, view.attributes)


def requests(request: HttpRequest) -> Document:
    registry = snapshot.current()
    query = request.GET
    written = asking.listed(query, "service_request_id")
    if written:
        cases = reading.by_numbers(written[: asking.MOST_ROWS])
    else:
        offset, limit = asking.page(query)
        period = asking.period(query, ZoneInfo(registry.city.timezone), timezone.now())
        cases = reading.by_period(
            period,
            asking.listed(query, "service_code"),
            asking.listed(query, "status"),
            registry,
            offset=offset,
            limit=limit,
        )
    return documents.requests(cases, registry, reading.photos(cases, settings.PUBLIC_URL))


def one(request: HttpRequest, number: str) -> Document:
    cases = reading.by_numbers([number])
    if not cases:
        raise NotFound(_("There is no case with this number. Please check the digits."))
    registry = snapshot.current()
    return documents.requests(cases, registry, reading.photos(cases, settings.PUBLIC_URL))


def token(request: HttpRequest, number: str) -> Document:
    """We answer every POST with the number itself, so a token is the number."""
    parsed = numbers.parse(number)
    if parsed is None:
        raise NotFound(_("There is no such token."))
    case = queries.case_by_number(parsed)
    return Document("service_requests", "request", [{"token": number, "service_request_id": case.number}])


def send(request: HttpRequest) -> Document:
    registry = snapshot.current()
    _sender(request.POST, registry)
    receipt = receive(_submission(request, registry, request.headers.get("Idempotency-Key", "")))
    return _sent(receipt.number)


def send_for_trial(request: HttpRequest) -> Document:
    """The test endpoint: everything is checked and done, and nothing is kept."""
    registry = snapshot.current()
    _sender(request.POST, registry)
    with transaction.atomic():
        receipt = receive(_submission(request, registry, ""))
        transaction.set_rollback(True)
    return _sent(receipt.number)


def _sent(number: str) -> Document:
    row = {"service_request_id": number, "service_notice": None, "account_id": None}
    return Document("service_requests", "request", [row])


def _submission(request: HttpRequest, registry: Snapshot, key: str) -> Submission:
    form = request.POST
    code = form.get("service_code", "").strip()
    function = registry.function_by_code.get(code)
    if not code:
        raise Invalid(fields={"service_code": _("This is required.")})
    if code != documents.GENERAL and (function is None or not function.is_leaf):
        raise Invalid(fields={"service_code": _("There is no such service.")})
    lat = asking.coordinate(form.get("lat", ""), "lat")
    lng = asking.coordinate(form.get("long", form.get("lng", "")), "long")
    address = form.get("address_string", form.get("address", "")).strip()
    address_id = form.get("address_id", "").strip()[:100]
    if lat is None and lng is None and not address and not address_id:
        raise Invalid(fields={"lat": _("Give lat and long, or address_string.")})
    text = form.get("description", "").strip()
    if len(text) < 2 and function is not None:
        text = f"{documents.name_of(function)} {text}".strip()
    answers = asking.checked_attributes(asking.attributes(form), function.attributes if function else ())
    attributes: dict[str, object] = {
        "answers": answers,
        "media_url": [u[:500] for n in ("media_url", "media_url[]") for u in form.getlist(n) if u][:6],
        "address_id": address_id,
        "account_id": form.get("account_id", "")[:100],
        "device_id": form.get("device_id", "")[:100],
    }
    name = " ".join(p for p in (form.get("first_name", ""), form.get("last_name", "")) if p)
    return Submission(
        text=text,
        channel="open311",
        language=get_language() or "zh-hans",
        lng=lng,
        lat=lat,
        address=address,
        function_code=function.code if function else "",
        contact=Contact(name.strip(), form.get("phone", "").strip(), form.get("email", "").strip()),
        attributes={k: v for k, v in attributes.items() if v},
        idempotency_key=key.strip().strip('"'),
        client=client_of(request),
        photos=files_in(request),
    )


def send_update_for_trial(request: HttpRequest) -> Document:
    with transaction.atomic():
        document = send_update(request)
        transaction.set_rollback(True)
    return document


def updates(request: HttpRequest) -> Document:
    registry = snapshot.current()
    zone = ZoneInfo(registry.city.timezone)
    offset, limit = asking.page(request.GET)
    period = asking.period(request.GET, zone, timezone.now())
    written = asking.listed(request.GET, "service_request_id")
    rows = [
        {
            "update_id": str(u.act_id),
            "service_request_id": u.number,
            "status": documents.update_status(u.verb, u.details),
            "updated_datetime": documents.time_text(u.at, zone),
            "description": u.text,
            "media_url": None,
        }
        for u in reading.updates(period, written[: asking.MOST_ROWS], offset=offset, limit=limit)
    ]
    return Document("service_request_updates", "request_update", rows)


def send_update(request: HttpRequest) -> Document:
    """What another system tells: for the requester, or with the key of a post as the one who works on it."""
    registry = snapshot.current()
    form = request.POST
    sender = _sender(form, registry)
    status = form.get("status", "").strip().upper() or "OPEN"
    if status not in documents.UPDATE_STATUSES:
        known = ", ".join(sorted(documents.UPDATE_STATUSES))
        raise Invalid(fields={"status": _("Choose one of: %(values)s.") % {"values": known}})
    if form.get("updated_datetime"):
        asking.moment(form["updated_datetime"], "updated_datetime", ZoneInfo(registry.city.timezone))
    cases = reading.by_numbers([form.get("service_request_id", "")])
    if not cases:
        raise NotFound(_("There is no case with this number. Please check the digits."))
    media = [url for name in ("media_url", "media_url[]") for url in form.getlist(name) if url]
    told = Told(
        form.get("description", ""),
        status,
        form.get("update_id", "").strip() or form.get("update_id_ext", "").strip(),
        files_in(request),
        tuple(url[:500] for url in media[:6]),
    )
    if sender is not None and sender.actor is not None:
        update_id = work_on(cases[0], told, sender.actor)
    else:
        contact = Contact(phone=form.get("phone", ""), email=form.get("email", ""))
        update_id = relay(cases[0], told, contact, trusted=sender is not None)
    return Document("service_request_updates", "request_update", [{"update_id": update_id}])
