"""How a budget is shared: max-min fairness, as water finds its level.

Every key gets the same share; what a small key does not need goes to the larger ones. There is one level, and each key
gets the level or all that it can use, whichever is less.
"""

import math
from collections.abc import Iterable


def water_level(ranges: Iterable[tuple[float, float]], total: float) -> float:
    """Return the level L at which the sum of `min(max(L, low), high)` over all (low, high) is a total.

    Where all that can be used is less than the total the level is infinite; where all that must be given is more, it
    is 0. O(n log n).
    """
    given = 0.0
    edges: list[tuple[float, int]] = []
    for low, high in ranges:
        given += low
        if low < high:
            edges.append((low, 1))
            edges.append((high, -1))
    if given >= total:
        return 0.0
    edges.sort()
    level, rising = 0.0, 0
    for edge, change in edges:
        filled = given + rising * (edge - level)
        if filled >= total:
            return level + (total - given) / rising
        given, level, rising = filled, edge, rising + change
    return math.inf
