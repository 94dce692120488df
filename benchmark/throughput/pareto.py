"""Which of several choices are worth their cost."""

from __future__ import annotations

import math
from collections.abc import Sequence


def pareto_front(*, costs: Sequence[float], gains: Sequence[float]) -> list[int]:
    """Return the indices of the choices that no other beats, cheapest first.

    A choice is beaten when another one costs no more, gains no less, and is better in one of the two; equal ones do
    not beat each other. Costs are better when lower, gains when higher; a choice with a nan is never on the front.
    Raises ValueError when the two differ in length.
    """
    known = [
        (cost, -gain, i)
        for i, (cost, gain) in enumerate(zip(costs, gains, strict=True))
        if not (math.isnan(cost) or math.isnan(gain))
    ]
    front: list[int] = []
    best: tuple[float, float] | None = None
    for cost, loss, i in sorted(known):
        if best is None or loss < best[1] or (cost, loss) == best:
            front.append(i)
            best = (cost, loss)
    return front
