"""Where a pooling clip puts its grids: a line above its outputs, a plane beside them, slices above them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from torchreel.scenes.parts.grid import MARGIN, Cells
from torchreel.scenes.parts.look import CELL_TEXT, MIN_NUMBER, NAME_TEXT
from torchreel.scenes.parts.ruler import depth
from torchreel.scenes.parts.text import measure
from torchreel.scenes.pooling.adaptive.cover import Cover
from torchreel.scenes.stage import bars

Centers = list[tuple[float, float]]
_ROOM = bars.EDGE - bars.MARGIN
_LOW, _HIGH = bars.STAGE_BOTTOM + 0.25, bars.STAGE_TOP - 0.2
_FOOT = 0.3
_ARROW, _BETWEEN = 1.5, 0.5
_LARGEST = 1.05
_LINE_HEIGHT, _LINE_LARGEST, _FUNNEL, _FILL = (0.95, 0.7), 1.7, (1.15, 0.9), 0.62
SLICE_GAP, _MOST_SLICES, _FALL, _WIDEST, _LARGER = 0.4, 6, 0.7, 1.35, 1.3


@dataclass(frozen=True)
class AdaptiveRoom:
    """What a grid holds: the texts of its cells, the name that stands beside it, and what else needs that width."""

    texts: Sequence[str]
    name: str
    beside: float = 0.0

    def width(self, cells: Cells) -> float:
        """The width of the grid or of its name, whichever is larger."""
        return max(cells.cols * cells.width, measure(self.name, NAME_TEXT))


@dataclass
class AdaptivePlaces:
    """Cells and centres of the slices of each tensor, the input first."""

    cells: dict[str, Cells] = field(default_factory=dict)
    centers: dict[str, Centers] = field(default_factory=dict)

    def put(self, name: str, cells: Cells, centers: Centers) -> None:
        """Where one tensor stands."""
        self.cells[name], self.centers[name] = cells, centers


def place(cover: Cover, rooms: Mapping[str, AdaptiveRoom], foot: float = 0.0) -> AdaptivePlaces:
    """The places of the input and the outputs, above a `foot`; `rooms` names them, the input first."""
    if cover.is_line:
        return _line(cover, rooms, _LOW + foot)
    return (_volume if cover.is_volume else _plane)(cover, rooms, _LOW + foot)


def _line(cover: Cover, rooms: Mapping[str, AdaptiveRoom], foot: float) -> AdaptivePlaces:
    """The input above, each output cell below the part of it that it stands for."""
    places, names = AdaptivePlaces(), list(rooms)[1:]
    count, outs, tight = cover.sizes[-1], cover.counts[-1], len(names) > 1
    named = max(measure(room.name, NAME_TEXT, "mono") for room in rooms.values()) + 0.3
    cells = Cells.fit(
        1, count, 2 * _ROOM - named - 0.4, _LINE_HEIGHT[tight], rooms["input"].texts, _LINE_LARGEST
    )
    above = depth(cover.axes[-1], count, False)
    free = _HIGH - foot - above - _FUNNEL[tight] - len(names) * _FOOT
    cells = _lowered(cells, free / (1 + len(names)))
    high = above + cells.height + _FUNNEL[tight] + len(names) * (cells.height + _FOOT)
    x, y = named / 2, (_HIGH + foot + 0.05) / 2 + high / 2 - above - cells.height / 2
    places.put("input", cells, [(x, y)])
    part = min(count / outs, cells.cols) * cells.width
    shown = max(1, min(outs, math.floor(cells.cols * cells.width / part + 1e-6)))
    left, y = x - cells.cols * cells.width / 2, y - cells.height / 2 - _FUNNEL[tight]
    for name in names:
        size = _text_size(rooms[name].texts, part, cells)
        places.put(
            name, Cells(part, cells.height, size, 1, shown), [(left + shown * part / 2, y - cells.height / 2)]
        )
        y -= cells.height + _FOOT
    return places


def _lowered(cells: Cells, most: float) -> Cells:
    """Cells of at most that height, and their numbers with them."""
    if cells.height <= most:
        return cells
    return replace(cells, height=most, text_size=min(cells.text_size, most * _FILL))


def _text_size(texts: Sequence[str], width: float, cells: Cells) -> float:
    """The size of numbers in cells as high as `cells`; 0 if they have no room."""
    ems = max((measure(text, 1.0) for text in texts), default=0.6)
    size = min(cells.text_size or CELL_TEXT, (width - MARGIN) / ems, cells.height * _FILL)
    return size if size >= MIN_NUMBER else 0.0


def _plane(cover: Cover, rooms: Mapping[str, AdaptiveRoom], foot: float) -> AdaptivePlaces:
    """The input on the left with a ruler above and one on its left; the outputs on the right."""
    places, names = AdaptivePlaces(), list(rooms)[1:]
    rows, cols = cover.sizes
    above, beside = depth(cover.axes[1], cols, False), depth(cover.axes[0], rows, True)
    low, top = foot + _FOOT, _HIGH - above
    wide = 2 * _ROOM - beside - _ARROW - _BETWEEN * (len(names) - 1)
    outs = cover.counts[1] * len(names)
    share = min(0.65, max(0.3, outs / (cols + outs)))
    texts, high = rooms["input"].texts, top - low
    cells = Cells.fit(rows, cols, wide * (1 - share), high, texts, _LARGEST)
    largest = max(cells.width, 0.6)
    fitted = {
        name: _output(cover, cells, wide * share / len(names), high, rooms[name].texts, largest)
        for name in names
    }
    widths = {name: rooms[name].width(fitted[name]) for name in names}
    if sum(widths.values()) > wide * share:
        cells = Cells.fit(rows, cols, wide - sum(widths.values()), high, texts, _LARGEST)
        fitted = {name: _reached(cover, cells, out) for name, out in fitted.items()}
    own = rooms["input"].width(cells)
    total = beside + own + _ARROW + sum(widths.values()) + _BETWEEN * (len(names) - 1)
    x, y = -total / 2 + beside, (top + low) / 2
    places.put("input", cells, [(x + own / 2, y)])
    x += own + _ARROW
    for name in names:
        own = fitted[name].cols * fitted[name].width
        places.put(name, fitted[name], [(x + own / 2, y)])
        x += widths[name] + _BETWEEN
    return places


def _output(
    cover: Cover, cells: Cells, width: float, high: float, texts: Sequence[str], largest: float
) -> Cells:
    """Cells of an output, at most `largest`, and only those whose windows are drawn."""
    rows, cols = (
        _whole(axis, shown) for axis, shown in zip(cover.axes[-2:], (cells.rows, cells.cols), strict=True)
    )
    return Cells.fit(rows, cols, width, high, texts, largest)


def _reached(cover: Cover, cells: Cells, out: Cells) -> Cells:
    """An output without the windows that are not drawn."""
    sides = zip(cover.axes[-2:], (cells.rows, cells.cols), (out.rows, out.cols), strict=True)
    rows, cols = (min(most, _whole(axis, shown)) for axis, shown, most in sides)
    return replace(out, rows=rows, cols=cols)


def _whole(axis: Sequence[tuple[int, int]], shown: int) -> int:
    """How many windows lie wholly in the cells that are drawn; at least one."""
    return sum(end <= shown for _, end in axis) or 1


def _volume(cover: Cover, rooms: Mapping[str, AdaptiveRoom], foot: float) -> AdaptivePlaces:
    """The input's slices beside one another, a ruler above them along the depth; the outputs' slices below."""
    places, names = AdaptivePlaces(), list(rooms)[1:]
    count, rows, cols = cover.sizes
    shown = min(count, _MOST_SLICES)
    above = depth(cover.axes[0], count, False)
    high = _HIGH - above - foot - _FALL - _FOOT
    outs = min(_whole(cover.axes[0], shown), _MOST_SLICES)
    share = min(0.7, max(0.45, rows / (rows + cover.counts[1])))
    named = max(measure(rooms["input"].name, NAME_TEXT), rooms["input"].beside) + 0.3
    free, middle = 2 * _ROOM - named, named / 2
    pitch = free / max(shown, 1)
    cells = _square(rows, cols, pitch - SLICE_GAP, high * share, rooms["input"].texts)
    y = _HIGH - above - cells.rows * cells.height / 2
    places.put("input", cells, _row(shown, cells, middle, y))
    room = free / len(names) / max(1, outs) - SLICE_GAP
    y -= cells.rows * cells.height / 2 + _FALL
    for number, name in enumerate(names):
        out = _output(cover, cells, room, high * (1 - share), rooms[name].texts, _LARGER * cells.width)
        x = middle + free / len(names) * (number - (len(names) - 1) / 2)
        places.put(name, out, _row(outs, out, x, y - out.rows * out.height / 2))
    return places


def _square(rows: int, cols: int, width: float, high: float, texts: Sequence[str]) -> Cells:
    """Cells not much wider than high, if their numbers fit."""
    free = Cells.fit(rows, cols, width, high, texts, _LARGEST)
    square = Cells.fit(rows, cols, width, high, texts, _WIDEST * free.height)
    return square if square.text_size and square.cols == free.cols else free


def _row(count: int, cells: Cells, x: float, y: float) -> Centers:
    """The centres of slices beside one another, centred on (x, y)."""
    pitch = cells.cols * cells.width + SLICE_GAP
    return [(x + (k - (count - 1) / 2) * pitch, y) for k in range(count)]
