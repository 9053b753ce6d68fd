"""Where the stations of a net stand: in rows that turn back like a river, with lanes above them for the skips."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from torchreel.assets.fonts import FontName
from torchreel.scenes.parts.frame import EDGE, MARGIN
from torchreel.scenes.parts.look import MIN_TEXT
from torchreel.scenes.parts.text import measure

_LANE = 0.16
_LINE = MIN_TEXT * 1.12
_GAP, _BETWEEN, _MOST_ROWS = 0.08, 0.26, 3
_LEAST, _LARGEST = 0.3, 2.2
_HUMPS = re.compile(r"[A-Z]+[a-z0-9_]*|[a-z0-9_]+|[^A-Za-z0-9_]+")
Spot = tuple[float, float]


@dataclass(frozen=True)
class Band:
    """One chain of stations in a zone of the stage: their middles, and what each has room for (scene units).

    `width` is the room of a station, `picture` the side of its square picture; `rows` says in which row each stands.
    `above` and `below` are how many lines of text stand over and under a picture.
    """

    spots: tuple[Spot, ...]
    rows: tuple[int, ...]
    width: float
    picture: float
    above: int
    below: int

    def name_at(self, number: int, line: int) -> Spot:
        """Where a line of a station's name stands, counted from the lowest."""
        x, y = self.spots[number]
        return x, y + self.picture / 2 + _LINE * (0.75 + line)

    def fact_at(self, number: int, line: int) -> Spot:
        """Where a line under a station's picture stands, counted from the highest."""
        x, y = self.spots[number]
        return x, y - self.picture / 2 - _LINE * (0.75 + line)

    @property
    def top(self) -> float:
        """How far above a station's middle its name ends."""
        return self.picture / 2 + self.above * _LINE + 0.1

    @property
    def bottom(self) -> float:
        """How far below a station's middle its lines end."""
        return self.picture / 2 + self.below * _LINE + 0.1

    @property
    def room(self) -> float:
        """How wide a station's texts may be."""
        return self.width - _GAP

    def lane(self, number: int, row: int) -> float:
        """The height of a lane above a row, counted from the row upwards."""
        first = next(spot for spot, own in zip(self.spots, self.rows, strict=True) if own == row)
        return first[1] + self.top + _LANE * (number + 0.6)


@dataclass(frozen=True)
class Zone:
    """Where a band may stand: between two heights and two sides (scene units)."""

    bottom: float
    top: float
    left: float = -EDGE + MARGIN
    right: float = EDGE - MARGIN


def band(zone: Zone, names: Sequence[str], below: int, lanes: int, rows: int = _MOST_ROWS) -> Band:
    """Stations of these names in a zone, in as many rows, up to `rows`, as make their pictures largest.

    `below` lines stand under each picture, `lanes` lines run above each row. Odd rows run from right to left, so that
    the way from row to row is short.
    """
    tries = [_band(zone, names, below, lanes, count) for count in range(1, min(rows, len(names)) + 1)]
    return max(tries, key=lambda one: one.picture)


def _band(zone: Zone, names: Sequence[str], below: int, lanes: int, rows: int) -> Band:
    in_row = math.ceil(len(names) / rows)
    width = (zone.right - zone.left) / in_row
    above = max(len(name_lines(name, width - _GAP)) for name in names)
    text = (above + below) * _LINE + 0.2 + lanes * _LANE + (_BETWEEN if rows > 1 else 0)
    height = (zone.top - zone.bottom) / rows
    picture = max(_LEAST, min(width * 0.72, height - text, _LARGEST))
    height = min(height, picture + text)
    top = (zone.top + zone.bottom + rows * height) / 2
    spots = []
    for number in range(len(names)):
        row, column = divmod(number, in_row)
        place = column if row % 2 == 0 else in_row - 1 - column
        y = top - row * height - lanes * _LANE - above * _LINE - 0.1 - picture / 2
        spots.append((zone.left + (place + 0.5) * width, y))
    return Band(
        tuple(spots), tuple(number // in_row for number in range(len(names))), width, picture, above, below
    )


def name_lines(name: str, room: float) -> list[str]:
    """A name in at most two lines, broken where a word begins; what is still too long ends in an ellipsis."""
    if measure(name, MIN_TEXT, "bold") <= room:
        return [name]
    pieces = _HUMPS.findall(name)
    for count in range(len(pieces) - 1, 0, -1):
        first, second = "".join(pieces[:count]).rstrip(), "".join(pieces[count:]).lstrip()
        if measure(first, MIN_TEXT, "bold") <= room:
            return [first, short(second, room, "bold")]
    return [short(name, room, "bold")]


def short(text: str, room: float, font: FontName = "sans") -> str:
    """A text that fits, by an ellipsis where it has to."""
    if measure(text, MIN_TEXT, font) <= room:
        return text
    while text and measure(text + "…", MIN_TEXT, font) > room:
        text = text[:-1]
    return text + "…"


def lanes_of(edges: Sequence[tuple[int, int]]) -> list[int]:
    """A lane for each line from one station to a later one, so that lines over the same stations do not share one."""
    taken: list[list[tuple[int, int]]] = []
    chosen = []
    for start, end in edges:
        number = next(
            (k for k, spans in enumerate(taken) if all(end <= a or start >= b for a, b in spans)), len(taken)
        )
        if number == len(taken):
            taken.append([])
        taken[number].append((start, end))
        chosen.append(number)
    return chosen
