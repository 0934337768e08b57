from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.exceptions import ObjectDoesNotExist
from shapely.geometry import shape

from gongzhi.errors import NotAllowed
from gongzhi.ledger.models import Act
from gongzhi.registry import packs, snapshot
from gongzhi.registry.authority import ANONYMOUS, Actor
from gongzhi.registry.models import (
    Area,
    City,
    Function,
    Mandate,
    Organisation,
    Person,
    Place,
    Post,
    Role,
)
from tests.conftest import HERE, PACK

Change = Callable[[str, str, str], None]


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PACK, tmp_path / "pack"))


@pytest.fixture
def change(pack: Path) -> Change:
    def _change(file: str, before: str, after: str) -> None:
        path = pack / file
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, after, 1), encoding="utf-8")

    return _change


def faults_of(folder: Path) -> list[packs.Fault]:
    with pytest.raises(packs.PackInvalid) as problem:
        packs.read(folder)
    return problem.value.faults


def test_the_demo_city_has_no_faults_and_its_areas_fit_together() -> None:
    read = packs.read(PACK)
    shapes = {a["code"]: shape(a["geometry"]) for a in read.areas}
    for level in ("district", "street", "grid"):
        inside = sum(shapes[a["code"]].area for a in read.areas if a["level"] == level)
        assert inside == pytest.approx(shapes["429000"].area, rel=1e-6)


def test_the_demo_city_is_as_large_as_promised() -> None:
    read = packs.read(PACK)
    levels = [a["level"] for a in read.areas]
    assert [levels.count(level) for level in ("city", "district", "street", "grid")] == [1, 4, 24, 160]
    parents = {f["parent"] for f in read.functions}
    leaves = [f for f in read.functions if f["code"] not in parents]
    assert len(leaves) >= 180
    for leaf in leaves:
        for language in ("zh", "en"):
            assert len(leaf["synonyms"][language]) >= 3, leaf["code"]
            assert 3 <= len(leaf["examples"][language]) <= 6, leaf["code"]
    kinds = [o["kind"] for o in read.organisations]
    assert kinds.count("government") >= 36 and len(kinds) - kinds.count("government") == 8
    places = [p["kind"] for p in read.places]
    assert places.count("street") + places.count("avenue") >= 110
    assert len(places) - places.count("street") - places.count("avenue") >= 140


def test_every_organisation_of_the_demo_city_has_somebody_who_works_there() -> None:
    read = packs.read(PACK)
    posts = [post for person in read.people for post in person["posts"]]
    working = {p["organisation"] for p in posts if "worker" in p["roles"]}
    governed = {o["code"] for o in read.organisations if o["code"] != "city"}
    assert governed <= working
    assert {role for post in posts for role in post["roles"]} == set(Role.values)


def test_gaps_are_warnings_and_not_faults() -> None:
    warned = " ".join(str(w) for w in packs.read(PACK).warnings)
    for code in ("bikes-shared", "light-pollution", "wildlife"):
        assert code in warned
    assert "functions.yaml:" in warned


@pytest.mark.parametrize(
    ("file", "before", "after", "line_of", "said"),
    [
        ("city.yaml", "timezone: Asia/Shanghai", "timezone: Asia/Nowhere", "Nowhere", "time zone"),
        ("city.yaml", "first_responsible: hotline", "first_responsible: nobody", "nobody", "no organisation"),
        ("city.yaml", "resolve_working_days: 5,", "resolve_working_days: -5,", "-5,", "minimum"),
        ("city.yaml", "urgency: normal", "urgency: sometimes", "sometimes", "normal, urgent or emergency"),
        ("functions.yaml", "  working_days: 3", "  working_days: three", "working_days: three", "integer"),
        ("functions.yaml", "parent: facilities", "parent: nothing", "parent: nothing", "no nothing"),
        ("functions.yaml", "- code: roads\n", "- code: lighting\n", "", "stands twice"),
        ("mandates.yaml", "function: roads", "function: rods", "rods", "no function rods"),
        ("mandates.yaml", "until: 2025-12-31", "until: 2023-12-31", "2023-12-31", "before"),
        ("mandates.yaml", "until: 2025-12-31", "until: 2025-13-41", "2025-13-41", ""),
        ("mandates.yaml", "basis: list", "basis: hearsay", "hearsay", "bases"),
        ("organisations.yaml", "uscc: 1", "uscc: 9", "uscc: 9", "check character"),
        ("organisations.yaml", "parent: city", "parent: hotline", "", "circle"),
        ("staff.yaml", "roles: [operator]", "roles: [king]", "king", "worker, supervisor"),
        ("staff.yaml", "username: dispatcher", "username: operator", "", "stands twice"),
        ("areas.geojson", '"parent":"429001"', '"parent":"429001001"', "", "cannot lie in a street"),
        ("places.geojson", '"Point"', '"Sphere"', "Sphere", ""),
    ],
)  # fmt: skip
def test_a_fault_is_named_by_file_and_line_and_what_to_do(
    pack: Path, change: Change, file: str, before: str, after: str, line_of: str, said: str
) -> None:
    change(file, before, after)
    found = [f for f in faults_of(pack) if said in f.message]
    assert found and all(f.file == file for f in found)
    if line_of:
        lines = (pack / file).read_text(encoding="utf-8").splitlines()
        expected = next(n for n, text in enumerate(lines, 1) if line_of in text)
        assert expected in [f.line for f in found]


def test_all_faults_of_all_files_are_named_at_once(pack: Path, change: Change) -> None:
    change("functions.yaml", "  working_days: 3", "  working_days: three")
    change("functions.yaml", "  kind: thing", "  kind: thingy")
    change("staff.yaml", "organisation: urban", "organisation: suburban")
    change("organisations.yaml", 'area: "429001"', 'area: "429099"')
    (pack / "city.yaml").write_text("code: [", encoding="utf-8")
    found = faults_of(pack)
    assert {f.file for f in found} >= {"city.yaml", "functions.yaml", "staff.yaml", "organisations.yaml"}
    assert not [f for f in found if f.file == "mandates.yaml"], "a broken file is not blamed on others"


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("city.yaml", b"code: \xff\xfe", "UTF-8"),
        ("city.yaml", b"a: &x [1]\nb: *x\n", "aliases"),
        ("city.yaml", b"code: a\ncode: b\n", "twice"),
        ("city.yaml", b"[" * 5_000, "deeper"),
        ("city.yaml", b"code: x\n---\ncode: y\n", "one document"),
        ("city.yaml", b"", "object"),
        ("city.yaml", b"? [a]\n: b\n", "plain word"),
        ("areas.geojson", b'{"type": "FeatureCollection", "features": [', "JSON"),
        ("areas.geojson", b"[" * 100_000, "JSON"),
        ("areas.geojson", b'{"type": "FeatureCollection", "features": [NaN]}', "NaN"),
        ("areas.geojson", b'{"type": "FeatureCollection", "features": 7}', "array"),
        ("mandates.yaml", b"\x00", "NUL"),
    ],
)
def test_files_that_are_no_pack_are_refused_in_words(
    pack: Path, file: str, content: bytes, said: str
) -> None:
    (pack / file).write_bytes(content)
    assert any(said in f.message and f.file == file for f in faults_of(pack))


def test_a_missing_file_and_a_missing_folder_are_named(pack: Path, tmp_path: Path) -> None:
    (pack / "staff.yaml").unlink()
    assert [str(f) for f in faults_of(pack)] == ["staff.yaml: the file is missing"]
    assert "no such folder" in str(faults_of(tmp_path / "nowhere")[0])


def test_a_bomb_of_aliases_is_refused_at_once(pack: Path) -> None:
    bomb = "a0: &a0 [x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
    )
    (pack / "city.yaml").write_text(bomb, encoding="utf-8")
    assert any("aliases" in f.message for f in faults_of(pack))


def test_an_area_outside_its_parent_or_on_its_neighbour_is_found(pack: Path) -> None:
    path = pack / "areas.geojson"
    drawn = json.loads(path.read_text(encoding="utf-8"))
    cells = [f for f in drawn["features"] if f["properties"]["level"] == "grid"]
    cells[0]["geometry"] = cells[-1]["geometry"]
    path.write_text(json.dumps(drawn), encoding="utf-8")
    said = " ".join(f.message for f in faults_of(pack))
    assert "lies outside" in said and "lies on" in said


@pytest.mark.django_db
def test_loading_twice_changes_nothing_but_the_revision() -> None:
    models = (Area, Place, Organisation, Function, Mandate, Person, Post)
    counts = [model.objects.count() for model in models]
    ids = dict(Function.objects.values_list("code", "pk"))
    revision = City.objects.get().revision
    packs.load(PACK)
    assert [model.objects.count() for model in models] == counts
    assert dict(Function.objects.values_list("code", "pk")) == ids
    assert City.objects.get().revision > revision
    assert Act.objects.filter(verb="city.load").exists()


@pytest.mark.django_db
def test_loading_a_changed_pack_updates_by_code(pack: Path, change: Change) -> None:
    change("functions.yaml", "zh: 路灯不亮, en: Street light out", "zh: 路灯熄灭, en: Lamp out")
    password = Person.objects.get(username="worker").password
    packs.load(pack, password="another-one")
    assert Function.objects.get(code="lighting").name_zh == "路灯熄灭"
    assert Person.objects.get(username="worker").password == password


@pytest.mark.django_db
def test_a_wrong_pack_loads_nothing(pack: Path, change: Change) -> None:
    change("functions.yaml", "zh: 路灯不亮, en: Street light out", "zh: 路灯熄灭, en: Lamp out")
    change("staff.yaml", "organisation: urban", "organisation: suburban")
    revision = City.objects.get().revision
    with pytest.raises(packs.PackInvalid):
        packs.load(pack)
    assert City.objects.get().revision == revision
    assert Function.objects.get(code="lighting").name_zh == "路灯不亮"


@pytest.mark.django_db
def test_what_is_exported_can_be_checked_and_loaded_and_is_the_same(tmp_path: Path) -> None:
    packs.export(tmp_path / "out")
    original, again = packs.read(PACK), packs.read(tmp_path / "out")

    def sorted_rows(rows: list[dict[str, object]]) -> list[str]:
        return sorted(json.dumps(row, sort_keys=True, default=str) for row in rows)

    assert again.city == original.city
    for name in ("areas", "places", "organisations", "functions", "mandates", "people", "vacant"):
        assert sorted_rows(getattr(again, name)) == sorted_rows(getattr(original, name)), name
    packs.load(tmp_path / "out")
    packs.export(tmp_path / "twice")
    for file in ("city.yaml", "functions.yaml", "mandates.yaml", "staff.yaml", "areas.geojson"):
        assert (tmp_path / "twice" / file).read_text() == (tmp_path / "out" / file).read_text()


@pytest.mark.django_db
def test_an_export_needs_a_city_and_holds_no_password(tmp_path: Path) -> None:
    packs.export(tmp_path / "out")
    hashes = {p.password for p in Person.objects.all()}
    written = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "out").iterdir())
    assert not any(h in written for h in hashes)
    City.objects.all().delete()
    with pytest.raises(ObjectDoesNotExist):
        packs.export(tmp_path / "none")


@pytest.mark.django_db
def test_only_an_administrator_loads_a_pack() -> None:
    for actor in (ANONYMOUS, Actor(kind="person", person_id=1, post_id=1, roles=frozenset({"worker"}))):
        with pytest.raises(NotAllowed):
            packs.load(PACK, actor=actor)


@pytest.mark.django_db
def test_every_place_lies_in_a_street_and_every_leaf_knows_its_line() -> None:
    snapshot.forget()
    registry = snapshot.current()
    area = registry.area_at(*HERE)
    assert area is not None and area.level == "grid" and len(area.ancestors) == 4
    assert not Place.objects.exclude(kind="river").filter(area=None).exists()
    leaves = [f for f in registry.functions.values() if f.is_leaf]
    assert {len(f.ancestors) for f in leaves} == {3}
