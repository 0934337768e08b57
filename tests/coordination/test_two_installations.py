"""Two real installations: a matter goes to the other city and comes back, under one number for its resident."""

from __future__ import annotations

import http.client
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from urllib.parse import urlencode

import pytest

from tests.conftest import PACK, PASSWORD
from tests.operations import system as operations
from tests.operations.system import HERE, System, free_port, start


class Browser:
    """A member of staff with cookies, without JavaScript."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.cookies: dict[str, str] = {}

    def get(self, path: str) -> str:
        return self._ask("GET", path)[1]

    def sign_in(self, username: str) -> Browser:
        self.post("/accounts/login/", {"login": username, "password": PASSWORD})
        return self

    def post(self, path: str, form: dict[str, str]) -> tuple[int, str]:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.get(path))
        assert token is not None, path
        status, text = self._ask("POST", path, urlencode({"csrfmiddlewaretoken": token[1], **form}))
        assert status in (302, 303), f"{path}: {status}\n{re.sub('<[^>]*>', ' ', text)[-1500:]}"
        return status, text

    def act(self, number: str, verb: str, **form: str) -> None:
        page = self.get(f"/desk/cases/{number}/")
        version = re.search(r'name="version" value="(\d+)"', page)
        assert version is not None, page[-500:]
        self.post(f"/desk/cases/{number}/", {"verb": verb, "version": version[1], **form})

    def _ask(self, method: str, path: str, body: str | None = None) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.system.port, timeout=20)
        headers = {
            "Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items()),
            "Accept-Language": "zh-hans",
        }
        if body is not None:
            headers |= {
                "Content-Type": "application/x-www-form-urlencoded",
                "Origin": f"http://127.0.0.1:{self.system.port}",
            }
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
            for cookie in answer.headers.get_all("Set-Cookie") or []:
                name, _, value = cookie.split(";")[0].partition("=")
                self.cookies[name] = value
            return answer.status, text
        finally:
            connection.close()


@pytest.fixture(scope="module")
def cities(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[System, System]]:
    folder = tmp_path_factory.mktemp("cities")
    with ExitStack() as running, pytest.MonkeyPatch.context() as patch:
        found = []
        ports = {name: free_port() for name in ("west", "east")}
        allowed = ",".join(f"127.0.0.1:{port}" for port in ports.values())
        for name, code in (("west", "429000"), ("east", "429900")):
            pack = folder / f"{name}-pack"
            shutil.copytree(PACK, pack)
            city = (pack / "city.yaml").read_text().replace('code: "429000"', f'code: "{code}"')
            (pack / "city.yaml").write_text(city)
            patch.setattr(operations, "free_port", lambda port=ports[name]: port)
            system = start(
                folder / name,
                GONGZHI_CITY=str(pack),
                GONGZHI_OUTGOING_ALLOWED=allowed,
                GONGZHI_WEB_PROCESSES="1",
            )
            running.callback(system.stop)
            found.append(system)
        west, east = found
        for here, there, zh, en in ((west, east, "东江市", "Dongjiang"), (east, west, "临江市", "Linjiang")):
            code, key = there.command("neighbour", "key").stdout.split()
            told = here.command(
                "neighbour",
                "add",
                code,
                f"http://127.0.0.1:{there.port}",
                "--zh",
                zh,
                "--en",
                en,
                "--key",
                key,
            )
            assert told.returncode == 0, told.stderr
        yield west, east


def eventually(check: Callable[[], bool], what: str, within: float = 60) -> None:
    began = time.monotonic()
    while not check():
        assert time.monotonic() - began < within, f"not within {within} s: {what}"
        time.sleep(0.3)


def test_a_matter_is_dealt_with_in_the_other_city_and_the_resident_keeps_one_number(
    cities: tuple[System, System],
) -> None:
    west, east = cities
    submitted = west.ask(
        "/api/v1/cases",
        body={
            "text": "桥东头的路灯坏了，电话13812345678",
            "function": "lighting",
            "contact": {"phone": "13812345678"},
            **HERE,
        },
        timeout=20,
    ).json()
    number = submitted["number"]
    dispatcher = Browser(west).sign_in("dispatcher")
    dispatcher.post(f"/desk/elsewhere/{number}/", {"city": "429900", "reason": "桥东头属东江市"})
    there = "SELECT c.number FROM coordination_passage p JOIN cases_case c ON c.id = p.case_id"
    eventually(lambda: east.one(there) is not None, "the other city has it")
    number_there = east.one(there)
    assert number_there != number or east.one("SELECT source FROM cases_case") == "city:429000"
    eventually(lambda: west.one("SELECT state FROM coordination_passage") == "there", "the receipt has come")
    assert west.one("SELECT number_there FROM coordination_passage") == number_there
    assert west.one("SELECT receipt->>'signature' FROM coordination_passage")
    assert east.one("SELECT count(*) FROM cases_party WHERE phone <> ''") == 0, "the contact stays at home"

    worker = Browser(east).sign_in("worker")
    worker.act(number_there, "accept")
    worker.act(number_there, "resolve", text="已更换灯头，恢复照明", closure="fixed")
    state = "SELECT state FROM cases_case WHERE number = %s"
    eventually(lambda: west.one(state, number) == "resolved", "what was done there is known here")
    page = west.ask(f"/api/v1/cases/{number}").json()
    assert (page["status"], page["closure"]) == ("resolved", "fixed")
    public = Browser(west).get(f"/cases/{number}/")
    assert "恢复照明" in public and "13812345678" not in public

    resident = Browser(west)
    resident.post(f"/follow/{number}/{submitted['secret']}/", {"verb": "contest", "text": "还是不亮", "version": re.search(
        r'name="version" value="(\d+)"', resident.get(f"/follow/{number}/{submitted['secret']}/"))[1]})  # type: ignore[index]  # fmt: skip
    eventually(lambda: east.one(state, number_there) == "under_way", "the contest has reached the other city")
    worker.act(number_there, "resolve", text="线路也换了", closure="fixed")
    eventually(lambda: west.one(state, number) == "resolved", "resolved a second time")
    for city in cities:
        city.verified()


def test_nothing_doubles_when_the_worker_dies_in_between(cities: tuple[System, System]) -> None:
    west, east = cities
    before = east.one("SELECT count(*) FROM cases_case")
    number = west.ask(
        "/api/v1/cases", body={"text": "桥东头井盖丢了", "function": "lighting", **HERE}, timeout=20
    ).json()["number"]
    Browser(west).sign_in("dispatcher").post(
        f"/desk/elsewhere/{number}/", {"city": "429900", "reason": "属东江市"}
    )
    for process in west.processes("worker")[:1]:
        process.kill()
    reached = (
        "SELECT p.state FROM coordination_passage p JOIN cases_case c ON c.id = p.case_id WHERE c.number = %s"
    )
    eventually(lambda: west.one(reached, number) == "there", "delivered by the next worker", 90)
    time.sleep(2)
    assert east.one("SELECT count(*) FROM cases_case") == before + 1
