"""Exact arithmetic over columns: fractions with one denominator, 64-bit integers as numerators.

A column is `numerators / denominator`; sums and products are computed without rounding. Before each
operation the largest possible result is bounded; where it might leave 64 bits the column goes on as
Python integers, which are slower and just as exact. Nothing wraps around in silence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOM = 1 << 62
"""Results below this fit into 64 bits with a sign and a carry to spare."""
QUOTIENT_DIGITS = 9
"""A quotient of two columns is the only inexact operation: it is rounded to so many decimals."""

Integers = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Exact:
    """`numerators / denominator`; numerators are int64, or Python integers in an object array."""

    numerators: Integers
    denominator: int

    def __len__(self) -> int:
        return len(self.numerators)

    def take(self, rows: NDArray[Any]) -> Exact:
        """The values of some rows."""
        return Exact(self.numerators[rows], self.denominator)

    def fractions_at(self, row: int) -> Fraction:
        """The value of one row."""
        return Fraction(int(self.numerators[row]), self.denominator)


Number = Fraction | Exact
"""One value for all rows, or one for each."""


def column(values: NDArray[np.int64], digits: int) -> Exact:
    """Integers that stand for decimals with `digits` places, in lowest terms."""
    scale = 10**digits
    common = math.gcd(int(np.gcd.reduce(values)) if len(values) else 1, scale) or 1
    return Exact(values // common if common > 1 else values, scale // common)


def full(value: Number, rows: int) -> Exact:
    """The value for each of `rows` rows."""
    if isinstance(value, Exact):
        return value
    kind = np.int64 if abs(value.numerator) < ROOM else object
    return Exact(np.full(rows, value.numerator, kind), value.denominator)


def _largest(numerators: Integers) -> int:
    if not len(numerators):
        return 0
    return max(abs(int(numerators.max())), abs(int(numerators.min())))


def _times(numerators: Integers, factor: int) -> Integers:
    if factor == 1:
        return numerators
    if numerators.dtype != object and _largest(numerators) * abs(factor) >= ROOM:
        numerators = numerators.astype(object)
    return numerators * factor


def _common(a: Number, b: Number) -> tuple[Integers | int, Integers | int, int]:
    """Both with one denominator."""
    den_a = a.denominator
    den_b = b.denominator
    shared = math.lcm(den_a, den_b)
    one = _times(a.numerators, shared // den_a) if isinstance(a, Exact) else a.numerator * (shared // den_a)
    two = _times(b.numerators, shared // den_b) if isinstance(b, Exact) else b.numerator * (shared // den_b)
    big = [n for n in (one, two) if isinstance(n, int) and abs(n) >= ROOM]
    if big or any(isinstance(n, np.ndarray) and n.dtype == object for n in (one, two)):
        one = one.astype(object) if isinstance(one, np.ndarray) else one
        two = two.astype(object) if isinstance(two, np.ndarray) else two
    return one, two, shared


def _size(n: Integers | int) -> int:
    return abs(n) if isinstance(n, int) else _largest(n)


def _wide(n: Integers | int) -> Integers | int:
    return n if isinstance(n, int) else n.astype(object)


def add(a: Number, b: Number) -> Number:
    """a + b."""
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return a + b
    if a == 0:
        return b
    if b == 0:
        return a
    one, two, shared = _common(a, b)
    if _size(one) + _size(two) >= ROOM:
        one, two = _wide(one), _wide(two)
    return Exact(np.asarray(one + two), shared)


def negative(a: Number) -> Number:
    """-a."""
    return -a if isinstance(a, Fraction) else Exact(-a.numerators, a.denominator)


def subtract(a: Number, b: Number) -> Number:
    """a - b."""
    return add(a, negative(b))


def multiply(a: Number, b: Number) -> Number:
    """a × b."""
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return a * b
    if isinstance(a, Fraction):
        a, b = b, a
    assert isinstance(a, Exact)  # noqa: S101
    if isinstance(b, Fraction):
        shared = math.gcd(b.numerator, a.denominator) or 1
        return Exact(_times(a.numerators, b.numerator // shared), (a.denominator // shared) * b.denominator)
    one, two = a.numerators, b.numerators
    if _largest(one) * _largest(two) >= ROOM:
        one, two = one.astype(object), two.astype(object)
    return Exact(one * two, a.denominator * b.denominator)


def divide(a: Number, b: Number) -> Number:
    """a ÷ b; by a column, rounded to `QUOTIENT_DIGITS` decimals.

    Raises:
        ZeroDivisionError: b, or one of its values, is zero.
    """
    if isinstance(b, Fraction):
        if b == 0:
            raise ZeroDivisionError("division by zero")
        return multiply(a, 1 / b)
    if (b.numerators == 0).any():
        raise ZeroDivisionError("division by zero")
    top = full(a, len(b))
    scale = 10**QUOTIENT_DIGITS
    above = top.numerators.astype(object) * (b.denominator * scale)
    below = b.numerators.astype(object) * top.denominator
    return Exact(_narrow((2 * above + below) // (2 * below)), scale)


def _narrow(numerators: Integers) -> Integers:
    return numerators.astype(np.int64) if _largest(numerators) < ROOM else numerators


def larger(a: Number, b: Number) -> Number:
    """The larger of both, row by row."""
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return max(a, b)
    one, two, shared = _common(a, b)
    return Exact(np.maximum(one, two), shared)


def smaller(a: Number, b: Number) -> Number:
    """The smaller of both, row by row."""
    return negative(larger(negative(a), negative(b)))


def ceiling(a: Number) -> Number:
    """The next whole number at or above a."""
    if isinstance(a, Fraction):
        return Fraction(math.ceil(a))
    return Exact(-(-a.numerators // a.denominator), 1)


def rounded(a: Exact, step: Fraction, mode: str = "half_up") -> NDArray[np.int64]:
    """The values as whole multiples of `step`: half_up (away from zero), half_even, up or down.

    Raises:
        OverflowError: a value does not fit into 64 bits.
    """
    in_steps = multiply(a, 1 / step)
    assert isinstance(in_steps, Exact)  # noqa: S101
    n, d = in_steps.numerators, in_steps.denominator
    if d == 1:
        whole = n
    else:
        size = abs(n)
        down = size // d
        rest = size - down * d
        if mode == "half_up":
            more = 2 * rest >= d if d < ROOM // 2 else np.array([2 * int(r) >= d for r in rest])
        elif mode == "half_even":
            more = (2 * rest > d) | ((2 * rest == d) & (down % 2 == 1))
        else:
            more = (rest > 0) if mode == "up" else np.zeros(len(n), bool)
        whole = (down + more) * np.where(n < 0, -1, 1)
    if _largest(whole) >= ROOM:
        raise OverflowError("a bill is too large to be real")
    return whole.astype(np.int64)


def total(values: NDArray[np.int64]) -> int:
    """The sum, exact however large."""
    if not len(values):
        return 0
    if _largest(values) * len(values) < ROOM:
        return int(values.sum())
    return sum(values.tolist())
