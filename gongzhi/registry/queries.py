"""Questions that the rooms above ask of the registry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection

from gongzhi.registry.models import Area, Function, Place, Post, Role


def organisations_below(organisation_id: int) -> frozenset[int]:
    """Ids of all organisations under `organisation_id`, without itself, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH RECURSIVE below AS (
                   SELECT id FROM registry_organisation WHERE parent_id = %s
                   UNION SELECT o.id FROM registry_organisation o JOIN below b ON o.parent_id = b.id)
               SELECT id FROM below""",
            [organisation_id],
        )
        return frozenset(row[0] for row in cursor.fetchall())


def area_ids_within(area_id: int) -> list[int]:
    """Ids of the area and everything inside it."""
    return list(Area.objects.filter(ancestors__contains=[area_id]).values_list("pk", flat=True))


def function_ids_under(function_id: int) -> list[int]:
    """Ids of the function and everything under it in the taxonomy."""
    return list(Function.objects.filter(ancestors__contains=[function_id]).values_list("pk", flat=True))


def first_post_for(organisation_id: int, role: str = Role.WORKER) -> Post | None:
    """The post that a matter for this organisation is shown to be with until somebody accepts it."""
    return (
        Post.objects.filter(organisation_id=organisation_id, is_active=True, roles__contains=[role])
        .order_by("pk")
        .first()
    )


def areas_with_outline(levels: Sequence[str]) -> list[Area]:
    """Areas of these levels whose polygon is known, in the order of their codes."""
    return list(Area.objects.filter(level__in=levels, geometry__isnull=False).order_by("code"))


def lines() -> list[Place]:
    """Streets and rivers: places that are lines."""
    return list(Place.objects.filter(geometry__type="LineString").order_by("code"))


def outline_of(area_id: int) -> dict[str, Any] | None:
    """The polygon of an area as GeoJSON, None when it is not known."""
    outline: dict[str, Any] | None = (
        Area.objects.values_list("geometry", flat=True).filter(pk=area_id).first()
    )
    return outline


def population_by_area(level: str) -> dict[int, int]:
    """Area id → residents, for the areas of a level of which they are known."""
    rows = Area.objects.filter(level=level).values_list("pk", "population")
    return {area: people for area, people in rows if people is not None}


def area_of_each_place() -> list[int | None]:
    """The area that each place of the city lies in; None where that is not known."""
    return list(Place.objects.values_list("area_id", flat=True))


def posts_by_area(role: str) -> dict[int, int]:
    """Area id → active posts of a role for it: by the post's own area, else by its organisation's."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT coalesce(p.area_id, o.area_id), count(*) FROM registry_post p
               JOIN registry_organisation o ON o.id = p.organisation_id
               WHERE p.is_active AND o.is_active AND %s = ANY(p.roles)
                 AND coalesce(p.area_id, o.area_id) IS NOT NULL GROUP BY 1""",
            [role],
        )
        return {int(area): int(count) for area, count in cursor.fetchall()}
