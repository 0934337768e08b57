"""The demo city shows every state in which somebody has to decide, and organisations at work together."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from django.conf import settings

from gongzhi.cases import parts, worklists
from gongzhi.cases.models import Case, Extension, Task
from gongzhi.coordination.models import Order, Settlement, TaskForce, Whistle
from gongzhi.demo import scenes
from gongzhi.ledger.models import Act

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def test_every_scene_of_the_pack_is_played_and_leaves_what_it_is_for(staff) -> None:  # type: ignore[no-untyped-def]
    pack = Path(settings.CITY_PACK)
    written = yaml.safe_load((pack / scenes.FILE).read_text(encoding="utf-8"))
    assert scenes.play(pack, NOW) == len(written)

    dispatcher = staff("dispatcher")
    assert worklists.undecided(dispatcher, "unclear").page.rows
    (contested,) = worklists.undecided(dispatcher, "arbitration").page.rows
    assert contested.returns == 2
    assert Case.objects.exclude(paused_until=None).count() == 1
    assert Extension.objects.filter(state=Extension.State.ASKED, decide_by__gt=NOW).count() == 1
    assert [p.is_required for p in parts.parts(staff("worker-power"))] == [True]
    assert Task.objects.filter(role=Task.Role.ASSIST, state=Task.State.DONE).exclude(result="").count() == 1

    assert sorted(Order.objects.values_list("state", flat=True)) == ["reported", "reported", "sent"]
    assert Order.objects.get(state="sent").missed_at is not None
    statement = Settlement.objects.get().statement
    assert statement["month"] == "2026-10" and statement["total_cents"] > 0
    whistle = Whistle.objects.get()
    assert [c.answered_at is None for c in whistle.calls.order_by("organisation__code")].count(True) == 1
    assert TaskForce.objects.get().cases.exists()
    assert not Act.objects.filter(recorded_at__gt=NOW, verb__startswith="case.").exists()


def test_a_pack_without_scenes_has_none(tmp_path: Path) -> None:
    assert scenes.play(tmp_path, NOW) == 0
