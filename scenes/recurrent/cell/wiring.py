"""What a cell's file declares of its picture: vectors, wires, nodes, and the moments in which they come alive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torchreel.scenes.parts.gates import Route


@dataclass(frozen=True)
class Spot:
    """A vector of the wiring: where its middle is, how high it is, its label (`{now}` and `{before}` are step numbers).

    A state stands with its own name and shape; `aside` puts the label left of a wire that leaves at the top. `part` is
    a tensor and the number of its chunk, where the vector is not a tensor of its own name.
    """

    x: float
    y: float
    label: str
    height: float
    state: bool = False
    aside: bool = False
    part: tuple[str, int] | None = None


@dataclass(frozen=True)
class Moment:
    """One element-wise moment after the gates: its caption, what fills, the wires that light up, what is read."""

    caption: str
    fills: tuple[str, ...]
    lights: tuple[str, ...]
    reads: tuple[str, ...]


@dataclass(frozen=True)
class Wiring:
    """A cell's diagram right of its gates.

    `spots` are the vectors by name, `routes` the wires; `nodes` and `pills` `(sign, x, y)` stand on them. `enters`
    names the states that come in on their own line (h comes in beside x). `inner` are gates that come about in a way of
    their own, all of whose vectors are spots.
    """

    spots: Mapping[str, Spot]
    routes: Mapping[str, Route]
    nodes: tuple[tuple[str, float, float], ...]
    pills: tuple[tuple[str, float, float], ...]
    acts: tuple[Moment, ...]
    enters: tuple[str, ...] = ()
    inner: Mapping[str, Moment] = field(default_factory=dict)
