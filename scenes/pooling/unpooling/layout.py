"""How source, notes and output share the stage of an unpooling clip: side by side, in one dimension line by line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from torchreel.scenes.parts.channel import PlanePad
from torchreel.scenes.parts.desk import Desk
from torchreel.scenes.parts.sheet import Sheet
from torchreel.scenes.parts.stack import NO_PAD
from torchreel.scenes.parts.width import Claim
from torchreel.scenes.pooling.unpooling.journeys import Journeys
from torchreel.scenes.stage import bars

WIDTH = bars.WIDTH - 2 * bars.MARGIN
TOP, BOTTOM = bars.STAGE_TOP - 0.55, bars.STAGE_BOTTOM + 0.2
MIDDLE, _HEIGHT = (TOP + BOTTOM) / 2, TOP - BOTTOM
NARROWEST = 1.1
_GAP, _WIDEST_GAP = 1.5, 2.6
_STACK_GAP, _LINE_GAP = 0.62, 1.0
_LARGEST = 1.2


@dataclass(frozen=True)
class UnpoolPlace:
    """Where a tensor is drawn: its room with all round it, the middle, and the sheet of the tensor itself."""

    room: Sheet
    center: np.ndarray
    sheet: Sheet


class UnpoolingLayout:
    """The places of `source`, `input`, `indices` and `output`, and of the two arrows between them.

    The source and the output have cells of one size, the notes are never larger. `pad` is the padding drawn round the
    source (top, bottom, left, right).
    """

    def __init__(self, desk: Desk, journeys: Journeys) -> None:
        self.desk, self.journeys = desk, journeys
        self.in_lines = journeys.dims == 1
        self.places: dict[str, UnpoolPlace] = {}
        self.gaps: list[tuple[np.ndarray, np.ndarray]] = []
        if self.in_lines:
            self._one_under_the_other()
        else:
            self._side_by_side()

    def _claims(self) -> tuple[Claim, Claim, Claim]:
        """What the source, the notes and the output need, in the height there is for each."""
        journeys, texts = self.journeys, self.desk.texts
        padding = journeys.geometry.padding
        whole = tuple(n + 2 * p for n, p in zip(journeys.size, padding, strict=True))
        self.volume = journeys.dims == 3
        sides = tuple(side for side in padding for _ in range(2)) if self.volume else NO_PAD
        border = ["−∞"] if any(padding) else []
        high = (_HEIGHT - 2 * _LINE_GAP) / 3 if self.in_lines else _HEIGHT
        half = high if self.in_lines else (_HEIGHT - _STACK_GAP - 0.2) / 2
        return (
            Claim(journeys.size if self.volume else whole, [*texts("source"), *border], high, 0.0, _LARGEST,
                  pad=sides, framed=True),  # type: ignore[arg-type]
            Claim(journeys.pooled, texts("input", "indices"), half, 0.0, _LARGEST),
            Claim(journeys.size, texts("output"), high, 0.0, _LARGEST),
        )  # fmt: skip

    def _fitted(self, widths: Sequence[float]) -> tuple[Sheet, Sheet, Sheet, Sheet]:
        """The sheets of the source with its padding, of the source, of the notes and of the output."""
        big, notes, out = (claim.fit(width) for claim, width in zip(self._claims(), widths, strict=True))
        width, height = min(big.cells.width, out.cells.width), min(big.cells.height, out.cells.height)
        text = min(big.cells.text_size, out.cells.text_size)
        room = big.with_cells(replace(big.cells, width=width, height=height, text_size=text))
        source = self._unpadded(room)
        shown = [min(one, other) for one, other in zip(out.shape, source.shape, strict=True)]
        home = replace(room.cells, rows=shown[-2], cols=shown[-1])
        slices = room.slices and replace(room.slices, cells=home, depth=shown[0], pad=NO_PAD)
        note = replace(notes.cells, width=min(notes.cells.width, width),
                       height=min(notes.cells.height, height))  # fmt: skip
        return room, source, notes.with_cells(note), Sheet(home, slices)

    def _unpadded(self, room: Sheet) -> Sheet:
        """The sheet without padding; `pad` is what is drawn of it."""
        self.pad: PlanePad = (0, 0, 0, 0)
        if room.slices:
            return room
        sides: list[tuple[int, int, int]] = []
        plane, padding = self.journeys.size, self.journeys.geometry.padding
        for drawn, size, pad in zip((room.cells.rows, room.cells.cols), plane, padding, strict=True):
            whole = drawn == size + 2 * pad
            shown = size if whole else max(1, min(size, drawn - pad))
            sides.append((pad, pad if whole else 0, shown))
        (top, bottom, rows), (left, right, cols) = sides
        self.pad = (top, bottom, left, right)
        return Sheet(replace(room.cells, rows=rows, cols=cols))

    def _side_by_side(self) -> None:
        """Source, the two notes one over the other, output."""
        weights = np.array([claim.weight for claim in self._claims()])
        room, source, notes, output = self._fitted((WIDTH - 2 * _GAP) * weights / weights.sum())
        widths = [room.width, max(NARROWEST, notes.width), output.width]
        gap = min((WIDTH - sum(widths)) / 2, _WIDEST_GAP)
        x, xs = -(sum(widths) + 2 * gap) / 2, []
        for each in widths:
            xs.append(x + each / 2)
            x += each + gap
            y = MIDDLE - 0.1
            self.gaps.append((np.array([x - gap + 0.2, y, 0.0]), np.array([x - 0.2, y, 0.0])))
        off = (notes.height + _STACK_GAP) / 2
        self._put("source", room, (xs[0], MIDDLE), source)
        self._put("input", notes, (xs[1], MIDDLE - 0.1 + off), notes)
        self._put("indices", notes, (xs[1], MIDDLE - 0.1 - off), notes)
        self._put("output", output, (xs[2], MIDDLE), output)

    def _one_under_the_other(self) -> None:
        """Source over the two notes side by side over the output."""
        room, source, notes, output = self._fitted((WIDTH, (WIDTH - 3.2) / 2, WIDTH))
        line = (_HEIGHT - 2 * _LINE_GAP) / 3
        ys = [TOP - line / 2 - number * (line + _LINE_GAP) for number in range(3)]
        aside = max(notes.width, 2.2) / 2 + 1.1
        self._put("source", room, (0.0, ys[0]), source)
        self._put("input", notes, (-aside, ys[1]), notes)
        self._put("indices", notes, (aside, ys[1]), notes)
        self._put("output", output, (0.0, ys[2]), output)
        tops = [ys[0] - room.height / 2 - 0.12, ys[1] - notes.height / 2 - 0.08]
        ends = [max(tops[0] - 1.2, ys[1]), ys[2] + output.height / 2 + 0.48]
        self.gaps = [(np.array([0.0, top, 0.0]), np.array([0.0, end, 0.0]))
                     for top, end in zip(tops, ends, strict=True)]  # fmt: skip

    def _put(self, name: str, room: Sheet, center: Sequence[float], sheet: Sheet) -> None:
        self.places[name] = UnpoolPlace(room, np.array([*center, 0.0]), sheet)
