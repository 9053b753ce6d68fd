"""Where input and results of a pooling stand: in one dimension each result under its window, otherwise side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from torchreel.scenes.parts.grid import Cells
from torchreel.scenes.parts.look import NAME_TEXT
from torchreel.scenes.parts.sheet import Sheet
from torchreel.scenes.parts.slices import HEAD, NO_PAD
from torchreel.scenes.parts.text import measure
from torchreel.scenes.parts.width import Claim, in_line
from torchreel.scenes.pooling.window.geometry import PoolingGeometry
from torchreel.scenes.stage import bars

NAME = 0.46
"""The height that a name takes above or below a grid."""
TOP, BOTTOM = bars.STAGE_TOP - NAME - 0.08, bars.STAGE_BOTTOM + 0.4
WIDTH = bars.WIDTH - 2 * bars.MARGIN
_LANE, _LOW_LANE, _NARROW_LANE = 1.9, 1.3, 2.0
_STACK_GAP, _LINE_GAP = 0.4, 0.6
_LARGEST, _LARGEST_LINE, _SLICED = 1.25, 1.45, 0.95
_TALLEST = 1.2
_FALL, _UNDER, _AS_LARGE = 0.45, 0.18, 0.9
_RULE = 0.32
"""What the names of a window's settings take below a plane, beyond the room for a note."""
_SMALLEST_RESULT, _LARGER, _FEW = 0.66, 1.2, 3


@dataclass(frozen=True)
class Station:
    """A channel's room with all that is round it, and its middle."""

    sheet: Sheet
    at: np.ndarray


@dataclass(frozen=True)
class PoolingPlaces:
    """The places of the input and of each result; `stacked` are the slices of a volume over those of its result."""

    input: Station
    results: tuple[Station, ...]
    stacked: bool = False


def places(
    size: PoolingGeometry, inputs: Sequence[str], results: Sequence[Sequence[str]], names: Sequence[str]
) -> PoolingPlaces:
    """The places for an input with such texts and for results with theirs; `names` stand above input and results."""
    if size.dims == 1:
        return _in_lines(size, [*inputs, *(text for texts in results for text in texts)], len(results))
    beside = _side_by_side(size, inputs, results, names)
    over = _over(size, inputs, results[0], names[1]) if size.dims == 3 and len(results) == 1 else None
    least = _AS_LARGE * beside.input.sheet.cells.text_size
    return over if over is not None and over.input.sheet.cells.text_size >= least else beside


def _over(
    size: PoolingGeometry, inputs: Sequence[str], texts: Sequence[str], name: str
) -> PoolingPlaces | None:
    """The slices of the input in one row and below them the result's, its name left of these; None without room."""
    pad = tuple(side for side in size.padding for _ in range(2))
    rows = size.plane[1] + pad[2] + pad[3], size.out[1]
    low = BOTTOM + _UNDER
    high = (TOP - low - _FALL - 2 * HEAD) / sum(rows)
    source = Claim(size.plane, inputs, HEAD + rows[0] * high, 0.0, _SLICED, pad=pad, framed=True)  # type: ignore[arg-type]
    room = source.fit(WIDTH)
    result = Claim(size.out, texts, HEAD + rows[1] * high, 0.0, max(_SMALLEST_RESULT, room.cells.width))
    sheet = result.fit(WIDTH - 2 * (measure(name, NAME_TEXT, "mono") + _STACK_GAP))
    in_rows = [one.slices is not None and one.slices.across >= one.slices.count for one in (room, sheet)]
    if not all(in_rows) or not room.cells.text_size or not sheet.cells.text_size:
        return None
    used = room.height + _FALL + sheet.height
    top = (TOP + low) / 2 + used / 2
    middles = top - room.height / 2, top - used + sheet.height / 2
    start, under = (
        Station(one, np.array([0.0, y, 0.0])) for one, y in zip((room, sheet), middles, strict=True)
    )
    return PoolingPlaces(start, (under,), stacked=True)


def _whole(size: PoolingGeometry) -> tuple[int, ...]:
    """The input with its padding and what the last windows reach beyond it."""
    return tuple(n + 2 * p + o for n, p, o in zip(size.plane, size.padding, size.over, strict=True))


def _in_lines(size: PoolingGeometry, texts: Sequence[str], results: int) -> PoolingPlaces:
    """All in cells of one size; a result stands under the middle of its window, its name below it."""
    lane = _LANE if results == 1 else _LOW_LANE
    free = TOP - BOTTOM - NAME - lane - (results - 1) * (_LINE_GAP + 0.1)
    claim = Claim(_whole(size), texts, min(_TALLEST, free / (1 + results)), largest=_LARGEST_LINE)
    sheet = claim.fit(WIDTH)
    cells = sheet.cells
    used = (1 + results) * cells.height + lane + (results - 1) * _LINE_GAP
    y = (TOP + BOTTOM + NAME) / 2 + used / 2 - cells.height / 2
    start = Station(sheet, np.array([0.0, y, 0.0]))
    y -= lane + cells.height
    under = []
    for _ in range(results):
        under.append(Station(Sheet(replace(cells, cols=size.out[-1])), np.array([0.0, y, 0.0])))
        y -= cells.height + _LINE_GAP
    return PoolingPlaces(start, tuple(under))


def _side_by_side(
    size: PoolingGeometry, inputs: Sequence[str], results: Sequence[Sequence[str]], names: Sequence[str]
) -> PoolingPlaces:
    """The input, and at its right the results one below another, the name of a second one below it."""
    volume, count = size.dims == 3, len(results)
    low = BOTTOM + (NAME if count > 1 else 0.0 if volume else _RULE)
    high, y = TOP - low, (TOP + low) / 2
    sides = tuple(side for side in size.padding for _ in range(2)) if volume else NO_PAD
    wide = [measure(name, NAME_TEXT, "mono") for name in names]
    largest = _SLICED if volume else _LARGEST * max(1.0, _FEW / max(_whole(size)))
    source = Claim(size.plane if volume else _whole(size), inputs, high, wide[0], largest,
                   pad=sides, framed=True)  # type: ignore[arg-type]  # fmt: skip
    texts = [text for one in results for text in one]
    each = (high - (count - 1) * _STACK_GAP) / count
    result = Claim(size.out, texts, each, max(wide[1:]), largest)
    (room, at), (sheet, middle) = in_line(WIDTH, [source, result], (_NARROW_LANE,), y)
    if volume and room.cells.text_size:
        likely = replace(result, largest=max(_SMALLEST_RESULT, _LARGER * room.cells.width))
        (room, at), (sheet, middle) = in_line(WIDTH, [source, likely], (_NARROW_LANE,), y)
    if not volume and room.cells.text_size and sheet.cells.text_size:
        room, sheet = _alike(room, sheet)
    step = sheet.height + _STACK_GAP
    stack = [
        Station(sheet, middle + np.array([0.0, ((count - 1) / 2 - number) * step, 0.0]))
        for number in range(count)
    ]
    return PoolingPlaces(Station(room, at), tuple(stack))


def _alike(room: Sheet, sheet: Sheet) -> tuple[Sheet, Sheet]:
    """Numbers of one size in both, and results in cells that are no larger than those they come from."""
    text = min(room.cells.text_size, sheet.cells.text_size)
    mine, theirs = room.cells, sheet.cells
    cells: Cells = replace(
        theirs,
        width=max(min(theirs.width, mine.width), _needed(theirs, text)),
        height=min(theirs.height, mine.height),
        text_size=text,
    )
    return Sheet(replace(mine, text_size=text)), Sheet(cells)


def _needed(cells: Cells, text: float) -> float:
    """The width that numbers need which are as wide as the cells allowed, at another size."""
    return min(cells.width, cells.width * text / cells.text_size + 0.05)
