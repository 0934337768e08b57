"""Who may do what with the register of a cell; the subject of each line is the area it lies in."""

from __future__ import annotations

from gongzhi.registry.authority import Relation

_OVERSEERS = (Relation.HOLDER_SUPERVISOR,)

WHO: dict[str, tuple[Relation, ...]] = {
    "grid.walk": (Relation.GRID_WORKER,),
    "grid.see": (Relation.GRID_WORKER, *_OVERSEERS),
    # What the register says of a person; every look is recorded.
    "grid.look": (Relation.GRID_WORKER, *_OVERSEERS),
    "grid.check": (Relation.GRID_WORKER,),
    "grid.keep": (Relation.GRID_WORKER, *_OVERSEERS),
    # No subject.
    "grid.import": (Relation.ADMINISTRATOR, Relation.SYSTEM),
    # Subject: the organisation whose cells, and those below it, are overseen.
    "grid.oversee": _OVERSEERS,
}
