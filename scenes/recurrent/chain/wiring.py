"""What a cell declares of its picture: where its vectors stand, its wires and nodes, and how it comes alive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torchreel.scenes.parts.gates import Route


@dataclass(frozen=True)
class Moment:
    """One step of the story: its caption, the vectors that fill, the wires of its path.

    `explains` is the vector whose formula is shown, none where the vectors only fill.
    """

    caption: str
    fills: tuple[str, ...]
    lights: tuple[str, ...]
    explains: str = ""


@dataclass(frozen=True)
class Wiring:
    """A cell's diagram right of its weights.

    `spots` are the middles of its vectors by name; `nodes` `(sign, x, y)` and `pills` stand on the wires `routes`.
    `moments` come after the first gate, which is told element by element. `labels` `(formula, x, y)` stand over vectors
    that are neither gates nor states.
    """

    spots: Mapping[str, tuple[float, float]]
    routes: Mapping[str, Route]
    nodes: tuple[tuple[str, float, float], ...]
    pills: tuple[tuple[str, float, float], ...]
    moments: tuple[Moment, ...]
    labels: Mapping[str, tuple[str, float, float]] = field(default_factory=dict)
