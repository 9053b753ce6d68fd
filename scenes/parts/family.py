"""Who belongs to whom on stage: Manim's families, walked once instead of many times."""

from __future__ import annotations

from collections.abc import Iterable, Set

import numpy as np
from manim import Mobject, VMobject

Bounds = tuple[float, float, float, float]


def family(mobjects: Iterable[Mobject]) -> list[Mobject]:
    """Mobjects with all their submobjects, parents first; of several places the last one counts, as in Manim."""
    members: list[Mobject] = []
    stack = list(mobjects)[::-1]
    while stack:
        mobject = stack.pop()
        members.append(mobject)
        if mobject.submobjects:
            stack.extend(reversed(mobject.submobjects))
    unique = dict.fromkeys(reversed(members))
    return members if len(unique) == len(members) else list(reversed(unique))


def without(mobjects: Iterable[Mobject], gone: Set[Mobject]) -> list[Mobject]:
    """Mobjects without those that are `gone`; a group that has one of them is replaced by the rest of its members."""
    kept: list[Mobject] = []
    for mobject in mobjects:
        if mobject in gone:
            continue
        if gone.isdisjoint(family(mobject.submobjects)):
            kept.append(mobject)
        else:
            kept += without(mobject.submobjects, gone)
    return kept


def bounds(mobjects: Iterable[VMobject]) -> list[Bounds]:
    """The box (left, bottom, right, top) round the points of each mobject, in scene units. Each must have points."""
    paths = [mobject.points for mobject in mobjects]
    if not paths:
        return []
    points = np.concatenate(paths)[:, :2]
    starts = np.cumsum([0, *map(len, paths[:-1])])
    low, high = np.minimum.reduceat(points, starts), np.maximum.reduceat(points, starts)
    return [tuple(box) for box in np.hstack([low, high]).tolist()]
