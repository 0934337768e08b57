"""Who may see and do what: one row for every address of the product, and nothing else in this file.

Roles are those of `world.ROLES`. A row says who gets an answer; everybody else is refused with 401,
403, 404 or 405, or is sent to the sign-in. An address without a row fails the tests.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.security.world import ACCOUNTS, ROLES

EVERYBODY = frozenset(ROLES)
NOBODY: frozenset[str] = frozenset()
STAFF = frozenset(ACCOUNTS)
SIGNED_IN = STAFF | {"postless"}
SIGNED_OUT = EVERYBODY - SIGNED_IN
INTAKE = frozenset({"operator", "dispatcher"})
OF_MINE = INTAKE | {"worker", "supervisor", "leader"}
"""Who sees everything of the confidential matter that the City Management Bureau holds."""
OF_THEIRS = INTAKE | {"other_worker", "other_supervisor", "leader"}
BOSSES = frozenset({"supervisor", "other_supervisor", "leader"})
GRID = frozenset({"grid"})
"""Who walks the cell in which `entry` is; `foreign_entry` lies in the next one."""
HOLDERS = frozenset({"worker", "supervisor"})
"""Who works in the organisation that holds `mine`."""
HANDLERS = HOLDERS | {"dispatcher"}
WORKERS = frozenset({"worker", "other_worker", "street", "partner", "dispatcher", "grid"}) | (
    BOSSES - {"leader"}
)


@dataclass(frozen=True, slots=True)
class Visit:
    """Opening an address; `{…}` stands for a number, key or secret of `world.World`."""

    path: str
    who: frozenset[str]


@dataclass(frozen=True, slots=True)
class Deed:
    """Posting a form to an address; `body` is complete enough that only authority can refuse it."""

    path: str
    who: frozenset[str]
    body: dict[str, object] = field(default_factory=dict)
    json: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    visits: tuple[Visit, ...]
    deeds: tuple[Deed, ...] = ()


def _seen(path: str, who: frozenset[str], *deeds: Deed) -> Row:
    return Row((Visit(path, who),), deeds)


def _posted(path: str, who: frozenset[str], body: dict[str, object] | None = None) -> Row:
    """An address that takes forms only."""
    return Row((Visit(path, NOBODY),), (Deed(path, who, body or {}),))


def _on_case(verb: str, who: frozenset[str], **body: object) -> Deed:
    return Deed("/desk/cases/{mine}/", who, {"verb": verb, "text": "理由如下", "version": "0", **body})


def _open311(path: str, *deeds: Deed) -> Row:
    return _seen(path, EVERYBODY, *deeds)


_FORM = r"(?:\.(?P<extension>json|xml))?$"
_FOREIGN_MATTERS = (Visit("/cases/{mine}/", NOBODY), Visit("/cases/{theirs}/", NOBODY))
_TO = {"to": "water"}

PORTAL: dict[str, Row] = {
    "": _seen("/", EVERYBODY),
    **{f"{n}/": _seen(f"/{n}/", EVERYBODY) for n in ("about", "privacy", "accessibility", "map", "board", "hears")},
    **{n: _seen(f"/{n}", EVERYBODY) for n in ("manifest.webmanifest", "robots.txt", "sitemap.xml", "healthz")},
    "readyz": _seen("/readyz", EVERYBODY),
    "metrics": _seen("/metrics", NOBODY),
    "hears/issue/<str:number>/": Row((Visit("/hears/issue/{mine}/", NOBODY),)),
    "report/": _seen("/report/", EVERYBODY, Deed("/report/", EVERYBODY, {"text": "路灯坏了", "step": "check"})),
    "report/understood": _seen("/report/understood?text=小区{mine_text}，很危险", EVERYBODY),
    "report/places": _seen("/report/places?address=枫林", EVERYBODY),
    "cases/": Row((Visit("/cases/", EVERYBODY), Visit("/cases/?q={mine_text}", EVERYBODY),
                   Visit("/cases/?q={mine}", EVERYBODY))),
    "cases.csv": Row((Visit("/cases.csv", EVERYBODY), Visit("/cases.csv?q={mine_text}", EVERYBODY))),
    "cases/<str:number>/": Row((Visit("/cases/{public}/", EVERYBODY), *_FOREIGN_MATTERS)),
    "cases/<str:number>/join": Row(
        (Visit("/cases/{public}/join", EVERYBODY), Visit("/cases/{mine}/join", NOBODY)),
        (Deed("/cases/{mine}/join", NOBODY, {"phone": "13900000000"}),
         Deed("/cases/{public}/join", EVERYBODY, {"phone": "13900000000"})),
    ),
    "map/city.geojson": _seen("/map/city.geojson", EVERYBODY),
    "map/points.json": Row((Visit("/map/points.json?bbox=100,20,120,40&zoom=22", EVERYBODY),
                            Visit("/map/points.json?bbox=100,20,120,40&zoom=22&q={mine_text}", EVERYBODY))),
    "map/here.json": _seen("/map/here.json?bbox=100,20,120,40&zoom=22", EVERYBODY),
    "attachments/<int:pk>/<str:size>": Row(tuple(
        Visit(f"/attachments/{{{whose}_file}}/{size}", who)
        for whose, who in (("mine", OF_MINE), ("theirs", OF_THEIRS)) for size in ("small", "file")
    )),
    "follow/": _seen("/follow/", EVERYBODY,
                     Deed("/follow/", EVERYBODY, {"number": "{mine}", "phone": "{mine_phone}"}),
                     Deed("/follow/", NOBODY, {"number": "{mine}", "phone": "{theirs_phone}"})),
    "follow/<str:number>/<str:secret>/": Row(
        (Visit("/follow/{mine}/{mine_secret}/", EVERYBODY), Visit("/follow/{mine}/{theirs_secret}/", NOBODY),
         Visit("/follow/{mine}/by-phone/", frozenset({"resident"})),
         Visit("/follow/{theirs}/by-phone/", frozenset({"other_resident"})),
         Visit("/follow/{mine}/x/", NOBODY)),
        tuple(Deed("/follow/{mine}/by-phone/", frozenset({"resident"}), {"verb": v, "text": "再说一句", "public_text": "路灯坏了"})
              for v in ("say", "withdraw", "contest", "redact")),
    ),
    "follow/<str:number>/<str:secret>/receipt.json": Row(
        (Visit("/follow/{mine}/{mine_secret}/receipt.json", EVERYBODY),
         Visit("/follow/{theirs}/{mine_secret}/receipt.json", NOBODY),
         Visit("/follow/{mine}/by-phone/receipt.json", frozenset({"resident"})))),
    "follow/<str:number>/<str:secret>/photos/<int:pk>/<str:size>": Row(
        (Visit("/follow/{mine}/{mine_secret}/photos/{mine_file}/small", EVERYBODY),
         Visit("/follow/{mine}/{mine_secret}/photos/{theirs_file}/small", NOBODY),
         Visit("/follow/{mine}/by-phone/photos/{mine_file}/file", frozenset({"resident"})))),
    "verify/": _seen("/verify/", EVERYBODY, Deed("/verify/", EVERYBODY, {"receipt": "[]"})),
    "circulation/": _seen("/circulation/", EVERYBODY),
    "incidents/<int:pk>/": _seen("/incidents/{incident}/", EVERYBODY),
    "i18n/setlang/": _seen("/i18n/setlang/", EVERYBODY, Deed("/i18n/setlang/", EVERYBODY, {"language": "en"})),
}  # fmt: skip

DESK: dict[str, Row] = {
    "desk/": _seen("/desk/", STAFF),
    "desk/post": _posted("/desk/post", NOBODY, {"post": "{foreign_post}"}),
    "desk/worklist/": Row((Visit("/desk/worklist/", STAFF), Visit("/desk/worklist/?q={mine_text}", STAFF))),
    "desk/worklist/act": _posted("/desk/worklist/act", STAFF, {"verb": "note", "text": "记一笔", "case": "{mine}:0"}),
    "desk/worklist/filters": _posted("/desk/worklist/filters", STAFF, {"name": "我的", "query": "tab=all"}),
    "desk/cases/": Row((Visit("/desk/cases/?q={mine}", STAFF), Visit("/desk/cases/?q={mine_text}", STAFF))),
    "desk/cases/<str:number>/": Row(
        (Visit("/desk/cases/{mine}/", OF_MINE), Visit("/desk/cases/{theirs}/", OF_THEIRS),
         Visit("/desk/cases/{mine}/?known=1&take=draft", OF_MINE),
         Visit("/desk/cases/{public}/", STAFF - {"partner"}),
         Visit("/desk/cases/{public}/?known=1&take=own-{wording}", STAFF - {"partner"})),
        (
            _on_case("accept", HOLDERS), _on_case("reply", HANDLERS), _on_case("note", OF_MINE),
            _on_case("transfer", HANDLERS, **_TO), _on_case("assign", frozenset({"dispatcher"}), **_TO),
            _on_case("return", HOLDERS, reason_code="not_ours"), _on_case("resolve", HOLDERS, closure="fixed"),
            _on_case("classify", HANDLERS | {"operator"}, function="noise-social"),
            _on_case("merge", HANDLERS, into="{public}"),
            _on_case("redact", HANDLERS | {"operator"}, public_text="路灯坏了"),
            _on_case("say", frozenset({"operator"})), _on_case("contest", frozenset({"operator"})),
            _on_case("withdraw", frozenset({"operator"})),
            _on_case("decline", frozenset({"dispatcher"}), closure="not_ours"),
            _on_case("release", HANDLERS | {"operator"}, file="{mine_file}"),
            _on_case("withhold", HANDLERS | {"operator"}, file="{mine_file}"),
        ),
    ),
    "desk/cases/<str:number>/known": Row(
        (Visit("/desk/cases/{mine}/known", OF_MINE), Visit("/desk/cases/{theirs}/known", OF_THEIRS),
         Visit("/desk/cases/{public}/known", STAFF - {"partner"}))),
    "desk/intake/": Row((Visit("/desk/intake/", INTAKE), Visit("/desk/intake/?phone={mine_phone}", INTAKE)),
                        (Deed("/desk/intake/", INTAKE, {"channel": "phone", "text": "门口的路灯坏了"}),)),
    "desk/intake/caller": _seen("/desk/intake/caller?phone={mine_phone}", INTAKE),
    "desk/intake/understood": _seen("/desk/intake/understood?text=小区{mine_text}，很危险", INTAKE),
    "desk/intake/join": _posted("/desk/intake/join", INTAKE, {"into": "{public}", "phone": "13900000000"}),
    "desk/intake/<str:number>/": _seen("/desk/intake/{mine}/", NOBODY),
    "desk/dispatch/": _seen("/desk/dispatch/", frozenset({"dispatcher"})),
    "desk/dispatch/decide": _seen("/desk/dispatch/decide?case={mine}:0&to=water", frozenset({"dispatcher"}),
                                  Deed("/desk/dispatch/decide", frozenset({"dispatcher"}),
                                       {"case": "{mine}:0", "to": "water", "text": "核定"})),
    "desk/dispatch/merge": _seen("/desk/dispatch/merge?case={mine}:0&case={public}:0", frozenset({"dispatcher"}),
                                 Deed("/desk/dispatch/merge", frozenset({"dispatcher"}),
                                      {"case": "{mine}:0", "into": "{public}", "text": "同一处"})),
    "desk/crews/": Row((Visit("/desk/crews/", BOSSES | {"dispatcher"}),),
                       (Deed("/desk/crews/", frozenset({"supervisor", "leader"}),
                             {"task": "{task}:0", "crew-{task}": "{crew}"}),)),
    "desk/oversight/": _seen("/desk/oversight/", BOSSES),
    "desk/oversight/<str:code>/": Row((Visit("/desk/oversight/urban/", frozenset({"supervisor", "leader"})),
                                       Visit("/desk/oversight/housing/", frozenset({"other_supervisor", "leader"})))),
    "desk/grid/": _seen("/desk/grid/", GRID,
                        Deed("/desk/grid/", GRID, {"verb": "fine", "entry": "{entry}", "key": "aaaaaaaaaaaaaaaa"}),
                        Deed("/desk/grid/", NOBODY, {"verb": "fine", "entry": "{foreign_entry}", "key": "aaaaaaaaaaaaaaab"}),
                        Deed("/desk/grid/", GRID, {"verb": "report", "text": "路面破损", "key": "aaaaaaaaaaaaaaac"})),
    "desk/grid/shell": _seen("/desk/grid/shell", STAFF),
    "desk/grid/worker.js": _seen("/desk/grid/worker.js", STAFF),
    "desk/grid/send/me": _seen("/desk/grid/send/me", STAFF),
    "desk/grid/send/report": _posted("/desk/grid/send/report", GRID,
                                     {"person": "{grid_person}", "text": "路面破损", "key": "aaaaaaaaaaaaaaad"}),
    "desk/grid/send/check": _posted("/desk/grid/send/check", GRID,
                                    {"person": "{grid_person}", "verb": "wrong", "text": "破了", "entry": "{entry}",
                                     "key": "aaaaaaaaaaaaaaae"}),
    "desk/grid/entries/": Row(
        (Visit("/desk/grid/entries/?cell=429001001007", GRID | {"leader"}),
         Visit("/desk/grid/entries/?cell=429001001003", frozenset({"leader"})),
         Visit("/desk/grid/entries/?cell=429001001007&q={person_name}", GRID | {"leader"})),
        (Deed("/desk/grid/entries/?cell=429001001007", GRID | {"leader"},
              {"code": "neu-1", "kind": "place", "name": "新院", "area": "429001001007"}),)),
    "desk/grid/entries/<int:pk>/": Row(
        (Visit("/desk/grid/entries/{entry}/", GRID | {"leader"}),
         Visit("/desk/grid/entries/{foreign_entry}/", frozenset({"leader"}))),
        (Deed("/desk/grid/entries/{entry}/", GRID | {"leader"}, {"verb": "show"}),
         Deed("/desk/grid/entries/{entry}/", GRID, {"verb": "fine", "key": "aaaaaaaaaaaaaaaf"}),
         Deed("/desk/grid/entries/{entry}/", GRID | {"leader"}, {"verb": "end", "reason": "搬走"}))),
    "desk/grid/cells/": _seen("/desk/grid/cells/", BOSSES),
    "desk/wordings/": _seen("/desk/wordings/", WORKERS,
                            Deed("/desk/wordings/", WORKERS, {"title": "甲", "text": "乙"}),
                            Deed("/desk/wordings/", HOLDERS, {"wording": "{wording}", "title": "改", "text": "改"})),
    "desk/sensing/": _seen("/desk/sensing/", STAFF),
    "desk/sensing/needs/": _seen("/desk/sensing/needs/", STAFF),
    "desk/sensing/where/": Row((Visit("/desk/sensing/where/", STAFF), Visit("/desk/sensing/where/?level=hexagon", STAFF))),
    "desk/sensing/where/<str:level>.geojson": _seen("/desk/sensing/where/street.geojson", STAFF),
    "desk/evidence/": _seen("/desk/evidence/?function=lighting", STAFF),
    "desk/improvement/": _seen("/desk/improvement/", STAFF),
    "desk/improvement/mandates/": _seen("/desk/improvement/mandates/", STAFF,
                                        Deed("/desk/improvement/mandates/", STAFF,
                                             {"kind": "merge", "function": "dust", "into": "air"})),
    "desk/improvement/allocation/": _seen("/desk/improvement/allocation/", STAFF),
    "desk/improvement/simulation/": _seen("/desk/improvement/simulation/?function=lighting", STAFF),
    "desk/improvement/tariffs/": _seen("/desk/improvement/tariffs/", STAFF),
    "desk/together/": _seen("/desk/together/", STAFF),
    "desk/notices/": _seen("/desk/notices/", STAFF, Deed("/desk/notices/", STAFF, {})),
    "desk/parts/<int:pk>/": _seen("/desk/parts/{part}/", frozenset({"leader"}),
                                  Deed("/desk/parts/{part}/", NOBODY, {"verb": "accept"})),
    "desk/directives/": _seen("/desk/directives/", STAFF),
    "desk/directives/<int:pk>/": _seen("/desk/directives/{directive}/", frozenset({"leader"}),
                                       Deed("/desk/directives/{directive}/", frozenset({"leader"}), {"verb": "close", "reason": "完"}),
                                       Deed("/desk/directives/{directive}/", NOBODY, {"verb": "acknowledge"})),
    "desk/reorganise/": Row(
        (Visit("/desk/reorganise/", frozenset({"administrator"})),
         Visit("/desk/reorganise/?gone=urban&into=transport", frozenset({"administrator"}))),
        (Deed("/desk/reorganise/", frozenset({"administrator"}),
              {"verb": "merge", "gone": "urban", "into": "transport", "reason": "机构改革", "confirm": "yes"}),)),
    "desk/settlements/": _seen("/desk/settlements/", STAFF),
    "desk/settlements/<str:code>/<str:month>/": Row((
        Visit("/desk/settlements/waterworks/2026-10/", frozenset({"leader", "analyst", "administrator"})),
        *(Visit(f"/desk/settlements/waterworks/2026-10/?format={f}", frozenset({"leader", "analyst", "administrator"}))
          for f in ("csv", "pdf")),
    )),
    "desk/incidents/": _seen("/desk/incidents/", STAFF),
    "desk/incidents/<int:pk>/": _seen("/desk/incidents/{incident}/", STAFF,
                                      Deed("/desk/incidents/{incident}/", frozenset({"leader"}), {"verb": "say", "text": "通报"}),
                                      Deed("/desk/incidents/{incident}/", frozenset({"leader"}), {"verb": "end", "text": "解除"})),
    "desk/task-forces/": _seen("/desk/task-forces/", STAFF),
    "desk/task-forces/<int:pk>/": _seen("/desk/task-forces/{task_force}/", frozenset({"supervisor", "leader"}),
                                        Deed("/desk/task-forces/{task_force}/", frozenset({"supervisor", "leader"}), {"verb": "comment", "text": "收到"}),
                                        Deed("/desk/task-forces/{task_force}/", frozenset({"supervisor", "leader"}), {"verb": "end", "text": "完成"})),
    "desk/whistles/": _seen("/desk/whistles/", STAFF),
    "desk/whistles/<int:pk>/": _seen("/desk/whistles/{whistle}/", HOLDERS | {"street", "grid", "leader"},
                                     Deed("/desk/whistles/{whistle}/", HOLDERS, {"verb": "answer"}),
                                     Deed("/desk/whistles/{whistle}/", frozenset({"street", "grid"}), {"verb": "arrive", "call": "{call}"})),
    "desk/elsewhere/<str:number>/": Row((Visit("/desk/elsewhere/{mine}/", OF_MINE), Visit("/desk/elsewhere/{theirs}/", OF_THEIRS))),
}  # fmt: skip

_TAKES = {"queue": "{queue}", "priority": "age"}
_RUNS_HALL = frozenset({"operator", "leader", "administrator"})
_CLERK = frozenset({"operator"})


HALLS: dict[str, Row] = {
    "halls/": _seen("/halls/", EVERYBODY),
    "halls/screens/<str:secret>/": Row((Visit("/halls/screens/guessed/", NOBODY),),
                                       (Deed("/halls/screens/guessed/", NOBODY),)),
    "halls/<slug:code>/": _seen("/halls/hall/", EVERYBODY, Deed("/halls/hall/", EVERYBODY, _TAKES)),
    "halls/<slug:code>/kiosk/": _seen("/halls/hall/kiosk/", NOBODY, Deed("/halls/hall/kiosk/", NOBODY, _TAKES)),
    "halls/<slug:code>/kiosk/<str:secret>/": _seen("/halls/hall/kiosk/{ticket_secret}/", NOBODY),
    "halls/<slug:code>/display/": _seen("/halls/hall/display/", NOBODY),
    "halls/<slug:code>/display/now": _seen("/halls/hall/display/now", NOBODY),
    "tickets/<str:secret>/": Row(
        (Visit("/tickets/{ticket_secret}/", EVERYBODY), Visit("/tickets/guessed/", NOBODY)),
        (Deed("/tickets/{ticket_secret}/", EVERYBODY, {"verb": "leave"}), Deed("/tickets/guessed/", NOBODY, {"verb": "leave"}))),
    "tickets/<str:secret>/place": Row((Visit("/tickets/{ticket_secret}/place", EVERYBODY), Visit("/tickets/guessed/place", NOBODY))),
    "desk/counter/": Row((Visit("/desk/counter/", _CLERK),),
                         (Deed("/desk/counter/", _CLERK, {"verb": "open", "counter": "{counter}"}),)),
    "desk/counter/line": _seen("/desk/counter/line", NOBODY),
    "desk/halls/": _seen("/desk/halls/", STAFF),
    "desk/halls/<slug:code>/": _seen(
        "/desk/halls/hall/", _RUNS_HALL,
        Deed("/desk/halls/hall/", frozenset({"leader", "administrator"}), {"verb": "queue", "letter": "Z", "name_zh": "新", "usual_minutes": "5"}),
        Deed("/desk/halls/hall/", frozenset({"administrator"}), {"verb": "screen", "kind": "kiosk", "name": "门口"})),
}  # fmt: skip

PROGRAMS: dict[str, Row] = {
    f"open311/^discovery{_FORM}": _open311("/open311/discovery.json"),
    **{
        f"open311/^{prefix}/{route}{_FORM}": row
        for prefix in ("v2", "test/v2")
        for route, row in {
            "discovery": _open311(f"/open311/{prefix}/discovery.xml"),
            "services": _open311(f"/open311/{prefix}/services.json"),
            "services/(?P<code>[^/]+?)": _open311(f"/open311/{prefix}/services/lighting.json"),
            "requests": Row(
                (Visit(f"/open311/{prefix}/requests.json", EVERYBODY),
                 Visit(f"/open311/{prefix}/requests.json?service_request_id={{mine}},{{theirs}}", EVERYBODY)),
                (Deed(f"/open311/{prefix}/requests.json", EVERYBODY,
                      {"service_code": "lighting", "lat": "30.52", "long": "111.36", "description": "路灯坏了"}),
                 Deed(f"/open311/{prefix}/requests.json", NOBODY,
                      {"service_code": "lighting", "lat": "30.52", "long": "111.36", "description": "路灯坏了",
                       "api_key": "gzk_" + "a" * 43})),
            ),
            "requests/(?P<number>[^/]+?)": Row(
                (Visit(f"/open311/{prefix}/requests/{{public}}.json", EVERYBODY),
                 Visit(f"/open311/{prefix}/requests/{{mine}}.json", NOBODY))),
            "tokens/(?P<number>[^/]+?)": _open311(f"/open311/{prefix}/tokens/{{public}}.json"),
            "servicerequestupdates": Row(
                (Visit(f"/open311/{prefix}/servicerequestupdates.json", EVERYBODY),
                 Visit(f"/open311/{prefix}/servicerequestupdates.json?service_request_id={{mine}}", EVERYBODY)),
                (Deed(f"/open311/{prefix}/servicerequestupdates.json", frozenset({"open311_key"}),
                      {"service_request_id": "{public}", "status": "OPEN", "description": "在修", "update_id": "u1"}),
                 Deed(f"/open311/{prefix}/servicerequestupdates.json", NOBODY,
                      {"service_request_id": "{foreign}", "status": "OPEN", "description": "在修", "update_id": "u2"})),
            ),
        }.items()
    },
    "api/v1/": _seen("/api/v1/", EVERYBODY),
    "api/v1/openapi.json": _seen("/api/v1/openapi.json", EVERYBODY),
    "api/v1/docs": _seen("/api/v1/docs", EVERYBODY),
    "api/v1/cases": Row(
        (Visit("/api/v1/cases", EVERYBODY), Visit("/api/v1/cases?q={mine_text}", EVERYBODY),
         Visit("/api/v1/cases?q={mine}", EVERYBODY)),
        (Deed("/api/v1/cases", EVERYBODY, {"text": "门口的路灯坏了"}, json=True),)),
    "api/v1/cases/<number>": Row((Visit("/api/v1/cases/{public}", EVERYBODY), Visit("/api/v1/cases/{mine}", NOBODY))),
    "api/v1/cases/<number>/timeline": Row(
        (Visit("/api/v1/cases/{public}/timeline", EVERYBODY), Visit("/api/v1/cases/{mine}/timeline", NOBODY))),
    **{f"api/v1/{n}": _seen(f"/api/v1/{n}", EVERYBODY) for n in ("functions", "organisations", "areas")},
    "api/v1/functions/<code>": _seen("/api/v1/functions/lighting", EVERYBODY),
    "api/v1/organisations/<code>": _seen("/api/v1/organisations/urban", EVERYBODY),
    "api/v1/areas/<code>": _seen("/api/v1/areas/429001", EVERYBODY),
    "api/v1/texts": Row((Visit("/api/v1/texts", NOBODY),),
                        (Deed("/api/v1/texts", NOBODY, {"id": "1", "from": "13911110001", "text": "5"}, json=True),)),
    # A key opens these, not a session; what each key may is tried in tests/api/test_partner.py.
    "api/v1/partner/tasks": _seen("/api/v1/partner/tasks", NOBODY),
    "api/v1/partner/tasks/<task_id>": _seen("/api/v1/partner/tasks/{part}", NOBODY),
    "api/v1/partner/tasks/<task_id>/files/<file_id>": _seen("/api/v1/partner/tasks/{part}/files/{mine_file}", NOBODY),
    **{f"api/v1/partner/tasks/<task_id>/{verb}": Row(
        (Visit(f"/api/v1/partner/tasks/{{part}}/{verb}", NOBODY),),
        (Deed(f"/api/v1/partner/tasks/{{part}}/{verb}", NOBODY, {"text": "完成", "reason": "不属", "reason_code": "not_ours"}, json=True),))
       for verb in ("accept", "return", "result", "messages")},
    "api/federation/v1/key": _seen("/api/federation/v1/key", EVERYBODY),
    "api/federation/v1/matters": Row((Visit("/api/federation/v1/matters", NOBODY),),
                                     (Deed("/api/federation/v1/matters", NOBODY, {"number": "1", "text": "路灯"}, json=True),)),
    "api/federation/v1/matters/<uuid:passage_id>/messages": Row(
        (Visit("/api/federation/v1/matters/{uuid}/messages", NOBODY),),
        (Deed("/api/federation/v1/matters/{uuid}/messages", NOBODY, {"sequence": 1, "verb": "reply"}, json=True),)),
    "ledger/vkey": _seen("/ledger/vkey", EVERYBODY),
    "ledger/checkpoint": _seen("/ledger/checkpoint", EVERYBODY),
    "ledger/proof": _seen("/ledger/proof?act={act}", EVERYBODY),
    "ledger/consistency": _seen("/ledger/consistency?from=1&to=2", EVERYBODY),
    r"^ledger/tile/(?P<name>.+)$": Row((Visit("/ledger/tile/0/000.p/{size}", EVERYBODY),
                                        Visit("/ledger/tile/entries/000.p/{size}", EVERYBODY))),
}  # fmt: skip

ACCOUNTS_PAGES: dict[str, Row] = {
    "accounts/login/": _seen("/accounts/login/", EVERYBODY),
    "accounts/logout/": _seen("/accounts/logout/", EVERYBODY),
    "accounts/inactive/": _seen("/accounts/inactive/", EVERYBODY),
    "accounts/signup/": _seen("/accounts/signup/", EVERYBODY),
    **{f"accounts/{n}/": _seen(f"/accounts/{n}/", SIGNED_IN) for n in (
        "email", "password/change", "password/set", "2fa", "2fa/totp/activate",
        "2fa/recovery-codes/generate", "3rdparty")},
    # Whoever has no password has nothing to confirm with.
    **{f"accounts/{n}/": _seen(f"/accounts/{n}/", STAFF) for n in ("reauthenticate", "2fa/reauthenticate")},
    # There is nothing to switch off or to read before a second factor was set up.
    **{f"accounts/{n}/": _seen(f"/accounts/{n}/", NOBODY) for n in (
        "2fa/totp/deactivate", "2fa/recovery-codes", "2fa/recovery-codes/download")},
    **{f"accounts/{n}/": _seen(f"/accounts/{n}/", EVERYBODY) for n in (
        "confirm-email", "password/reset", "password/reset/done", "password/reset/key/done",
        "3rdparty/login/cancelled", "social/login/cancelled", "social/login/error", "social/connections")},
    # In the middle of signing in; whoever is not there is sent to its beginning.
    **{f"accounts/{n}/": _seen(f"/accounts/{n}/", SIGNED_IN) for n in (
        "2fa/authenticate", "login/code/confirm")},
    "accounts/3rdparty/signup/": _seen("/accounts/3rdparty/signup/", NOBODY),
    "accounts/social/signup/": _seen("/accounts/social/signup/", EVERYBODY),
    r"accounts/^confirm-email/(?P<key>[-:\w]+)/$": _seen("/accounts/confirm-email/abc/", EVERYBODY),
    r"accounts/^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$": _seen(
        "/accounts/password/reset/key/1-abc/", EVERYBODY),
    r"accounts/oidc/^(?P<provider_id>[^/]+)/login/": _seen("/accounts/oidc/city/login/", NOBODY),
    r"accounts/oidc/^(?P<provider_id>[^/]+)/login/callback/": _seen("/accounts/oidc/city/login/callback/", NOBODY),
    "accounts/3rdparty/login/error/": _seen("/accounts/3rdparty/login/error/", NOBODY),
}  # fmt: skip

SUPERVISION: dict[str, Row] = {
    "follow/<str:number>/<str:secret>/appeal/": Row(
        (Visit("/follow/{mine}/{theirs_secret}/appeal/", NOBODY), Visit("/follow/{mine}/x/appeal/", NOBODY))),
    "follow/<str:number>/<str:secret>/rate/": Row(
        (Visit("/follow/{mine}/{theirs_secret}/rate/", NOBODY), Visit("/follow/{mine}/x/rate/", NOBODY))),
    "rate/<str:secret>/": _seen("/rate/guessed/", NOBODY),
    "rates/": _seen("/rates/", EVERYBODY),
    "rates/cases/": _seen("/rates/cases/", EVERYBODY),
    "inspections/": _seen("/inspections/", EVERYBODY),
    "inspections/<int:pk>.json": _seen("/inspections/999999.json", NOBODY),
    **{f"supervision/{n}": _seen(f"/supervision/{n}", STAFF) for n in (
        "", "inspections/", "exclusions/", "samples/", "urgings/", "calls/")},
    "supervision/inspections/plans/<int:pk>/": _seen("/supervision/inspections/plans/999999/", NOBODY),
    "supervision/inspections/<int:pk>/<str:sha256>/<str:size>": _seen("/supervision/inspections/999999/aa/file", NOBODY),
    "supervision/inspections/<int:pk>/": _seen("/supervision/inspections/999999/", NOBODY),
    "supervision/cases/<str:number>/": _seen(
        "/supervision/cases/{mine}/", frozenset({"supervisor", "leader", "dispatcher", "analyst"})),
}  # fmt: skip

MATRIX: dict[str, Row] = PORTAL | DESK | HALLS | PROGRAMS | SUPERVISION | ACCOUNTS_PAGES
