"""Who acts, as the ledger writes it down."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """A person in a post, an outside app, the system itself, or somebody without an account."""

    kind: str
    person_id: int | None = None
    post_id: int | None = None
    organisation_id: int | None = None
    mandate_id: int | None = None
