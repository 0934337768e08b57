"""Rising or falling blocks: the charge for a volume of which each part has a price of its own."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from gongzhi.improvement.tariffs.exact import Exact, Number, add, full, larger, multiply, subtract


def tiered(usage: Exact, limits: Sequence[Number], prices: Sequence[Number]) -> Exact:
    """Σ price × volume in the tier.

    Args:
        limits: upper limit of each tier but the last; a limit below the one before it leaves its tier empty.
        prices: (tiers,) one more than limits.
    """
    charge: Number = multiply(usage, prices[0])
    highest: Number = Fraction(0)
    for limit, below, above in zip(limits, prices, prices[1:], strict=False):
        highest = larger(highest, limit)
        beyond = larger(subtract(usage, highest), Fraction(0))
        charge = add(charge, multiply(beyond, subtract(above, below)))
    return full(charge, len(usage))
