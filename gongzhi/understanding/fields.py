"""Column types that Django does not bring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    TextValued = models.Field[str, str]
else:
    TextValued = models.Field


class BitString(TextValued):
    """PostgreSQL's `bit(n)`, in Python the literal that it is written as (see `sketches.literal`)."""

    def __init__(self, *args: Any, bits: int, **kwargs: Any) -> None:
        self.bits = bits
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "bits": self.bits}

    def db_type(self, connection: Any) -> str:
        return f"bit({self.bits})"


class Vector(TextValued):
    """pgvector's `vector(n)`, in Python its literal: `[0.1,0.2,…]`."""

    def __init__(self, *args: Any, dimensions: int, **kwargs: Any) -> None:
        self.dimensions = dimensions
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "dimensions": self.dimensions}

    def db_type(self, connection: Any) -> str:
        return f"vector({self.dimensions})"
