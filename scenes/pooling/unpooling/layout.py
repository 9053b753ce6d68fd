"""How the pooled source, the notes and the output share the stage: side by side, in one dimension line by line.

Without a source, the notes and the output have the stage for themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from torchreel.scenes.parts.channel import PlanePad
from torchreel.scenes.parts.desk import Desk
from torchreel.scenes.parts.look import NAME_TEXT
from torchreel.scenes.parts.sheet import Sheet
from torchreel.scenes.parts.stack import NO_PAD
from torchreel.scenes.parts.text import measure
from torchreel.scenes.parts.width import Claim, in_line
from torchreel.scenes.pooling.unpooling.journeys import Journeys
from torchreel.scenes.stage import bars

WIDTH = bars.WIDTH - 2 * bars.MARGIN
NAME = 0.46
TOP, BOTTOM = bars.STAGE_TOP - NAME - 0.08, bars.STAGE_BOTTOM + 0.4
MIDDLE = (TOP + BOTTOM) / 2
_BESIDE = 0.2
_GAPS = (1.45, 1.5)
_STACK_GAP, _CLOSE, _LANE = 0.3, 0.16, 1.25
_SMALL, _NOTE, _LARGE = 0.66, 0.9, 1.1
_ALONE = 1.25
_BESIDE_INDEX = 0.36
FLAT_HEIGHT = 0.8
"""The least height of a cell that has room for its flat index beside its number."""
_COUNTED_ROW, _COUNTED = 0.44, 0.85
_LINE_HEIGHT, _SMALL_LINE = 0.86, 0.7


@dataclass(frozen=True)
class UnpoolPlace:
    """Where a tensor is drawn: its room with all round it, the middle, and the sheet of the tensor itself."""

    room: Sheet
    center: np.ndarray
    sheet: Sheet


class UnpoolingLayout:
    """The places of `source`, `input`, `indices` and `output`.

    The source is a small inset: it was pooled before. `pad` is the padding drawn round it (top, bottom, left, right).
    In one dimension it stands over the output, column over column, and the notes under their windows' middles.
    """

    def __init__(self, desk: Desk, journeys: Journeys, names: dict[str, str]) -> None:
        self.desk, self.journeys, self.names = desk, journeys, list(names)
        self.in_lines = journeys.dims == 1
        self.places: dict[str, UnpoolPlace] = {}
        self.wide = {name: measure(text, NAME_TEXT, "mono") for name, text in names.items()}
        self.left = -WIDTH / 2 + (max(self.wide.values()) + _BESIDE if self.in_lines else 0.0)
        if self.in_lines:
            self._one_under_the_other()
        else:
            self._side_by_side()

    @property
    def has_source(self) -> bool:
        """Whether there is a place for the source."""
        return self.journeys.has_source

    def _source_claim(self, height: float, label: float, largest: float) -> Claim:
        journeys = self.journeys
        volume = journeys.dims == 3
        padding = journeys.geometry.padding if self.has_source else (0,) * len(journeys.size)
        whole = tuple(n + 2 * p for n, p in zip(journeys.size, padding, strict=True))
        sides = tuple(side for side in padding for _ in range(2)) if volume else NO_PAD
        texts = [*self.desk.texts(self.names[0]), *(["−∞"] if any(padding) else [])]
        return Claim(journeys.size if volume else whole, texts, height, label, largest,
                     pad=sides)  # type: ignore[arg-type]  # fmt: skip

    def _unpadded(self, room: Sheet) -> Sheet:
        """The sheet without padding; `pad` is what is drawn of it."""
        self.pad: PlanePad = (0, 0, 0, 0)
        if room.slices:
            return room
        sides: list[tuple[int, int, int]] = []
        plane = self.journeys.size
        padding = self.journeys.geometry.padding if self.has_source else (0,) * len(plane)
        for drawn, size, pad in zip((room.cells.rows, room.cells.cols), plane, padding, strict=True):
            whole = drawn == size + 2 * pad
            shown = size if whole else max(1, min(size, drawn - pad))
            sides.append((pad, pad if whole else 0, shown))
        (top, bottom, rows), (left, right, cols) = sides
        self.pad = (top, bottom, left, right)
        return Sheet(replace(room.cells, rows=rows, cols=cols))

    def _side_by_side(self) -> None:
        """Source, the two notes one over the other with the second's name below it, output."""
        high, wide = TOP - BOTTOM, self.wide
        half = (high - NAME - _STACK_GAP) / 2
        note = Claim(self.journeys.pooled, self.desk.texts("input", "indices"), half,
                     max(wide["input"], wide["indices"]), _NOTE if self.has_source else _ALONE)  # fmt: skip
        home = Claim(self.journeys.size, self.desk.texts("output"), high, wide["output"],
                     _LARGE if self.has_source else _ALONE)  # fmt: skip
        if self.has_source:
            claims = [self._source_claim(high - 0.6, wide["source"], _SMALL), note, home]
            (room, at), (notes, middle), (output, end) = in_line(WIDTH, claims, _GAPS, MIDDLE)
            own = self._unpadded(room)
            self._put("source", room, at, own)
            most = own.shape
            output, end = self._column(home, output, end)
        else:
            (notes, middle), (output, end) = in_line(WIDTH, [note, home], _GAPS[1:], MIDDLE)
            most = output.shape
            output, end = self._counted(home, output, end)
        shown = [min(one, other) for one, other in zip(output.shape, most, strict=True)]
        text, height = output.cells.text_size, output.cells.height
        text = min(text, _BESIDE_INDEX * height) if height >= FLAT_HEIGHT else text
        cells = replace(output.cells, rows=shown[-2], cols=shown[-1], text_size=text)
        sheet = Sheet(cells, output.slices and replace(output.slices, cells=cells, depth=shown[0]))
        off = np.array([0.0, (notes.height + _STACK_GAP) / 2, 0.0])
        self._put("input", notes, middle + off, notes)
        self._put("indices", notes, middle - off, notes)
        self._put("output", sheet, end, sheet)

    def _column(self, claim: Claim, sheet: Sheet, at: np.ndarray) -> tuple[Sheet, np.ndarray]:
        """A volume's slices one below another, where rows are then high enough to say beside them which they count."""
        if sheet.slices is None or sheet.slices.across == 1:
            return sheet, at
        left = float(at[0]) - sheet.width / 2
        slices = claim.tall(WIDTH / 2 - left - _COUNTED)
        if slices.cells.height < _COUNTED_ROW or slices.cropped or not slices.cells.text_size:
            return sheet, at
        column = Sheet.of(replace(slices, cells=replace(slices.cells, text_size=0.66 * slices.cells.height)))
        return column, np.array([left + column.width / 2, at[1], 0.0])

    def _counted(self, claim: Claim, sheet: Sheet, at: np.ndarray) -> tuple[Sheet, np.ndarray]:
        """A column of slices with room at its right, if it has numbers then; what each row counts stands there."""
        left, right = (float(at[0]) + side * sheet.width / 2 for side in (-1, 1))
        if sheet.slices is None or sheet.slices.across > 1 or right + _COUNTED <= WIDTH / 2:
            return sheet, at
        slices = claim.tall(WIDTH / 2 - left - _COUNTED)
        if slices.cropped or not slices.cells.text_size:
            return sheet, at
        column = Sheet.of(slices)
        return column, np.array([left + column.width / 2, at[1], 0.0])

    def _one_under_the_other(self) -> None:
        """Source, values, indices and output, their columns in line; their names stand at the left."""
        room_wide, texts = WIDTH / 2 - self.left, self.desk.texts(*self.names)
        claim = replace(self._source_claim(_LINE_HEIGHT, 0.0, 1.4), texts=texts)
        cells = claim.fit(room_wide).cells
        small = min(_SMALL_LINE, cells.height) if self.has_source else 0.0
        over = small + _LANE * 0.5 if self.has_source else 0.0
        middle = self.left + room_wide / 2
        used = over + cells.height * 3 + _LANE + _CLOSE
        y = (bars.STAGE_TOP + BOTTOM - 0.2) / 2 + used / 2
        room = Sheet(replace(cells, height=small or cells.height))
        source = self._unpadded(room)
        if self.has_source:
            self._put("source", room, (middle, y - small / 2, 0.0), source)
        y -= over
        notes = Sheet(replace(cells, cols=self._noted(source.cells.cols)))
        self._put("input", notes, (middle, y - cells.height / 2, 0.0), notes)
        y -= cells.height + _CLOSE
        self._put("indices", notes, (middle, y - cells.height / 2, 0.0), notes)
        y -= cells.height + _LANE
        shift = (self.pad[2] - self.pad[3]) * cells.width / 2
        home = Sheet(replace(cells, cols=source.cells.cols))
        self._put("output", home, (middle + shift, y - cells.height / 2, 0.0), home)

    def _noted(self, cols: int) -> int:
        """How many windows lie on so many cells of the source."""
        journeys = self.journeys
        whole = cols == journeys.size[-1]
        inside = (
            cols + journeys.geometry.padding[-1] - journeys.geometry.kernel[-1]
        ) // journeys.geometry.stride[-1]
        return journeys.pooled[-1] if whole else max(1, min(journeys.pooled[-1], inside + 1))

    def _put(self, name: str, room: Sheet, center: Sequence[float] | np.ndarray, sheet: Sheet) -> None:
        self.places[name] = UnpoolPlace(room, np.array(center, dtype=float), sheet)
