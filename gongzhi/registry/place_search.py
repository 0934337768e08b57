"""Places by the name that people type: streets, estates, landmarks, then districts and streets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import shapely
from django.db import connection
from django.utils.translation import get_language
from shapely.geometry import shape

_QUERY = """
SELECT p.code, p.name_zh, p.name_en, a.name_zh, a.name_en, p.geometry,
  CASE WHEN %(text)s = lower(p.name_zh) OR %(text)s = lower(p.name_en) THEN 0
       WHEN position(lower(p.name_zh) in %(text)s) > 0 OR position(lower(p.name_en) in %(text)s) > 0 THEN 1
       WHEN lower(p.name_zh) LIKE %(begins)s OR lower(p.name_en) LIKE %(begins)s THEN 2
       ELSE 3 END AS rank
FROM registry_place AS p LEFT JOIN registry_area AS a ON a.id = p.area_id
WHERE lower(p.name_zh) LIKE %(holds)s OR lower(p.name_en) LIKE %(holds)s
  OR EXISTS (SELECT 1 FROM unnest(p.aliases) AS alias WHERE lower(alias) LIKE %(holds)s)
  OR (length(p.name_zh) >= 2 AND position(lower(p.name_zh) in %(text)s) > 0)
  OR (length(p.name_en) >= 5 AND position(lower(p.name_en) in %(text)s) > 0)
UNION ALL
SELECT p.code, p.name_zh, p.name_en, a.name_zh, a.name_en, p.geometry, 4
FROM registry_area AS p LEFT JOIN registry_area AS a ON a.id = p.parent_id
WHERE p.level IN ('district', 'street') AND p.geometry IS NOT NULL
  AND (lower(p.name_zh) LIKE %(holds)s OR lower(p.name_en) LIKE %(holds)s)
ORDER BY 7, 3, 1 LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class FoundPlace:
    """A named place and one point of it.

    Attributes:
        area_name: the district or street around it, empty when unknown.
        lng, lat: WGS 84; the middle of a street, a point inside an area.
        is_certain: the text holds this very name.
    """

    code: str
    name: str
    area_name: str
    lng: float
    lat: float
    is_certain: bool


def places_like(text: str, *, most: int = 6) -> list[FoundPlace]:
    """Places whose name fits what was typed, best first, in one query; nothing below two characters."""
    typed = text.strip().lower()[:200].replace("\x00", "")
    if len(typed) < 2:
        return []
    pattern = typed.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    asked: dict[str, Any] = {"text": typed, "begins": f"{pattern}%", "holds": f"%{pattern}%", "most": most}
    with connection.cursor() as cursor:
        cursor.execute(_QUERY, asked)
        rows = cursor.fetchall()
    is_chinese = (get_language() or "zh").startswith("zh")
    found = []
    for code, zh, en, area_zh, area_en, geometry, rank in rows:
        point = _one_point(geometry)
        name, area = (zh, area_zh) if is_chinese else (en, area_en)
        found.append(FoundPlace(code, name, area or "", point.x, point.y, rank <= 1))
    return found


def _one_point(geometry: object) -> shapely.Point:
    import json

    outline = shape(json.loads(geometry) if isinstance(geometry, str) else geometry)
    if outline.geom_type == "LineString":
        return shapely.line_interpolate_point(outline, 0.5, normalized=True)
    return outline if outline.geom_type == "Point" else outline.representative_point()
