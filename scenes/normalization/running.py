"""The board of BatchNorm's example `running_stats`: two variances, and the blend with the buffers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.normalization.board import SetGrid
from torchreel.scenes.normalization.planes import plane_index, plane_size
from torchreel.scenes.normalization.sets_trace import Partition
from torchreel.scenes.parts.grid import Cells, Grid
from torchreel.scenes.parts.look import MIN_NUMBER, MIN_TEXT, NAME_TEXT, Look, Stroke
from torchreel.scenes.parts.mathtext import MathText, fitted
from torchreel.scenes.parts.motion import Appear, Drop, Vanish
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.places import Place
from torchreel.scenes.parts.shapes import Arrow, Box, Shape, box_points
from torchreel.scenes.parts.text import fit, measure
from torchreel.scenes.stage.bars import EDGE, MARGIN, STAGE_BOTTOM, STAGE_TOP
from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

_MOST = 2
_MOST_CELLS = ((4, 2, 2), (2, 4, 2), (2, 2, 2), (2, 2, 1), (2, 1, 1), (1, 1, 1))
_BETWEEN = 0.08
_HEAD, _FOOT = 0.55, 0.42
_LEFT = -EDGE + MARGIN
_INPUT = 2.75
_LABEL_X, _BOX_X = -1.62, -0.95
_BOX, _HEIGHT = 1.08, 0.42
_OLD_X, _BATCH_X, _NEW_X = 1.9, 4.2, 6.2
_ROWS = {"mean": 1, "var": 0, "unbiased_var": -1}
_BUFFERS = {"new_running_mean": ("running_mean", "mean"), "new_running_var": ("running_var", "unbiased_var")}


class RunningBoard(Board):
    """One band for each channel: its numbers, the three statistics of the batch, the two buffers before and after.

    `words` are headings and remarks: "heading_batch", "heading_running", "normalizes", "left_out".
    """

    def __init__(self, look: Look, trace: Trace, sets: Partition, words: Mapping[str, str]) -> None:
        super().__init__(look, trace)
        self.sets, self.words = sets, words
        self.owners: list[Index] = [(band,) for band in range(self.shown(sets))]
        self.pitch = (STAGE_TOP - STAGE_BOTTOM - _HEAD - _FOOT) / max(1, len(self.owners))
        self.grids = self._grids()
        self.scenery = VGroup(*self._headings())
        for band in range(len(self.owners)):
            self.scenery.add(*self.grids[band], *self._lines(band))
        self.frames: list[Shape] = []

    @staticmethod
    def shown(sets: Partition) -> int:
        """How many channels are drawn."""
        return min(sets.sets[0], _MOST)

    def around_input(self, band: int) -> np.ndarray:
        """The path round a channel's numbers."""
        grids = self.grids[band]
        points = np.concatenate([grid.outline((0, 0), _last(grid)) for grid in grids])
        low, high = points.min(0), points.max(0)
        return box_points(high[0] - low[0] + 0.1, high[1] - low[1] + 0.1, (low + high) / 2, 0.06)

    def place(self, tensor: str, band: int) -> Place:
        """Where a statistic of the batch, a buffer or its new value stands; `entered` that which enters a sum."""
        name = tensor.removeprefix("entered ")
        row = _ROWS[name] if name in _ROWS else _ROWS[_BUFFERS[f"new_{tensor.removeprefix('new_')}"][1]]
        x = _BATCH_X if name != tensor else _BOX_X if name in _ROWS else _NEW_X if "new_" in name else _OLD_X
        y, half = self._y(band, row), _BOX / 2
        return Place(x - half, y - _HEIGHT / 2, x + half, y + _HEIGHT / 2)

    def mark(self, *places: Place) -> list[Animation]:
        """Frames go out where they are and in round other places."""
        gone = self.frames
        self.frames = [
            self.frame(
                box_points(one.right - one.left + 0.06, one.top - one.bottom + 0.06,
                           ((one.left + one.right) / 2, (one.bottom + one.top) / 2), 0.09),
                Stroke.SOURCE, 3,
            )
            for one in places
        ]  # fmt: skip
        return [*([Vanish(*gone)] if gone else []), *([Appear(*self.frames)] if self.frames else [])]

    def input_place(self, band: int) -> Place:
        """Where a channel's numbers stand."""
        low, high = self.around_input(band).min(0), self.around_input(band).max(0)
        return Place(low[0], low[1], high[0], high[1])

    def statistic(self, tensor: str, band: int) -> Animation:
        """A statistic of the batch, born in its place."""
        return Drop(self._box(tensor, band, (_BOX_X, self._y(band, _ROWS[tensor]))))

    def blend(self, tensor: str, band: int) -> list[Animation]:
        """The batch's statistic stands in the sum, and the buffer's new value comes out of it."""
        batch = _BUFFERS[tensor][1]
        y = self._y(band, _ROWS[batch])
        entered, new = (
            self._box(batch, band, (_BATCH_X, y)),
            self._box(tensor, band, (_NEW_X, y), strong=True),
        )
        return [Drop(entered), Drop(new)]

    def count(self) -> list[Animation]:
        """The number of batches, one more."""
        name = "new_num_batches_tracked"
        if name not in self.trace.tensors:
            return []
        return [Appear(self._number(name, (), MIN_NUMBER).place((self.count_x, self._foot), align="left"))]

    def _y(self, band: int, row: int) -> float:
        middle = STAGE_TOP - _HEAD - (band + 0.5) * self.pitch - 0.1
        return middle + row * min(0.72, self.pitch / 3.4)

    @property
    def _foot(self) -> float:
        return STAGE_BOTTOM + 0.24

    def _grids(self) -> list[list[Grid]]:
        """The channels' numbers, sample beside sample, as many as can be read."""
        shape = self.trace.shape("input")
        whole = (shape[0], *plane_size(shape[2:]))
        for most in _MOST_CELLS:
            samples, rows, cols = (min(count, limit) for count, limit in zip(whole, most, strict=True))
            wide, high = _INPUT - (samples - 1) * _BETWEEN, min(self.pitch - 0.55, 1.7)
            cells = Cells.fit(rows, samples * cols, wide, high, self.texts("input"), 0.75)
            if cells.text_size:
                break
        cells = Cells(cells.width, cells.height, cells.text_size, rows, cols)
        return [
            [self._plane(band, sample, samples, cells) for sample in range(samples)]
            for band in range(len(self.owners))
        ]

    def _plane(self, band: int, sample: int, samples: int, cells: Cells) -> SetGrid:
        step = cells.cols * cells.width + _BETWEEN
        x = _LEFT + _INPUT / 2 + (sample - (samples - 1) / 2) * step
        return SetGrid(
            self.look, self.trace, "input", (), cells, (x, self._y(band, 0)),
            index=plane_index((sample, band), self.trace.shape("input")[2:]),
            tint=partial(self._tint, band), write=partial(self.text, "input"),
        )  # fmt: skip

    def _tint(self, band: int, index: Index) -> str:
        """The fill of a channel's cells."""
        return self.look.theme.tint(self.look.theme.channel(band), 0.24)

    def _headings(self) -> list[Any]:
        theme, y = self.look.theme, STAGE_TOP - 0.28
        texts: list[Any] = [
            self.title("input", (_LEFT + _INPUT / 2, y - 0.08)),
            self.label(self.words["heading_batch"], (_BOX_X - 0.9, y), 0.22, theme.text, "bold"),
            self.label(self.words["heading_running"], ((_OLD_X + _NEW_X) / 2, y), 0.22, theme.text, "bold"),
        ]
        if self.sets.sets[0] > len(self.owners):
            left_out = self.words["left_out"]
            texts.append(self.label(left_out, (_LEFT, self._foot), MIN_TEXT, font="sans", align="left"))
        if "new_num_batches_tracked" in self.trace.tensors:
            left, label = 2.0, "num_batches_tracked"
            texts.append(self.label(label, (left, self._foot), align="left"))
            left += measure(label, NAME_TEXT, "mono") + 0.2
            old = self._number(label, (), MIN_NUMBER).place((left, self._foot), align="left")
            left += measure(old.text, MIN_NUMBER) + 0.15
            texts += [old, self.label("→", (left, self._foot), align="left")]
            self.count_x = left + 0.35
        return texts

    def _lines(self, band: int) -> list[Any]:
        """What a channel's band has from the start: its name, the sums to fill in, the buffers as they were."""
        theme, color, count = self.look.theme, self.look.theme.channel(band), self.sets.size
        top = self.around_input(band)[:, 1].max()
        parts: list[Any] = [
            self.label(
                f"c={band}", (_LEFT + 0.05, top + 0.1), MIN_TEXT, color, align="left", vertical="baseline"
            )
        ]
        labels = {
            "mean": f"μ = Σ x / {count}",
            "var": f"σ² = Σ (x − μ)² / {count}",
            "unbiased_var": f"{self.trace.symbol('unbiased_var')} = Σ (x − μ)² / {count - 1}",
        }
        for tensor, text in labels.items():
            y = self._y(band, _ROWS[tensor])
            size = fitted(text, _LABEL_X - _LEFT - _INPUT - 0.2, 0.27, MIN_TEXT)
            parts.append(MathText(text, size, theme.text).place((_LABEL_X, y), align="right"))
            parts.append(self._empty((_BOX_X, y)))
        y = self._y(band, 0)
        parts.append(Arrow([(_BOX_X + _BOX / 2 + 0.1, y), (_BOX_X + _BOX / 2 + 0.6, y)], theme.wire))
        left = _BOX_X + _BOX / 2 + 0.72
        size = fit(self.words["normalizes"], EDGE - MARGIN - left, NAME_TEXT, MIN_TEXT)
        parts.append(self.label(self.words["normalizes"], (left, y), size, font="sans", align="left"))
        for new, (old, batch) in _BUFFERS.items():
            parts += self._sum(band, new, old, self._y(band, _ROWS[batch]))
        return parts

    def _sum(self, band: int, new: str, old: str, y: float) -> list[Any]:
        """`(1 - factor) × old + factor × batch = new` with empty places for what is not known yet."""
        ink, (kept, share) = self.look.theme.text, self._factors(new)
        near, above = _BOX / 2 + 0.1, y + _HEIGHT / 2 + 0.13
        texts: list[Any] = [
            self.label(f"{kept} ×", (_OLD_X - near, y), color=ink, align="right"),
            self.label(f"+ {share} ×", (_BATCH_X - near, y), color=ink, align="right"),
            self.label("=", (_NEW_X - near, y), color=ink, align="right"),
            self.title(old, (_OLD_X, above), size=MIN_TEXT, shape=False),
            MathText(self.trace.symbol(new), NAME_TEXT, ink).place((_NEW_X, above), vertical="baseline"),
            MathText(self.trace.symbol(_BUFFERS[new][1]), NAME_TEXT, ink).place(
                (_BATCH_X, above), vertical="baseline"
            ),
        ]
        return [
            *texts,
            self._box(old, band, (_OLD_X, y)),
            self._empty((_BATCH_X, y)),
            self._empty((_NEW_X, y)),
        ]

    def _factors(self, new: str) -> tuple[str, str]:
        """The two weights of a blend, as its formula writes them."""
        step = self.trace.step(new, self.owners[0])
        tokens = [token.text for token in step.tokens(lambda tensor, value: "|")]
        text = "".join(tokens)
        first, _, rest = text.partition("·")
        return first, rest.partition("+ ")[2].partition("·")[0]

    def _empty(self, center: tuple[float, float]) -> Box:
        theme = self.look.theme
        return Box(_BOX, _HEIGHT, center, 0.07, fill=theme.empty, stroke=theme.line, stroke_width=1.4)

    def _box(self, tensor: str, band: int, center: tuple[float, float], strong: bool = False) -> VGroup:
        theme, color = self.look.theme, self.look.theme.channel(band)
        fill = theme.tint(color, 0.4 if strong else 0.22)
        box = Box(_BOX, _HEIGHT, center, 0.07, fill=fill, stroke=color, stroke_width=2.6 if strong else 1.6)
        return VGroup(box, self._number(tensor, self.owners[band], 0.25, theme.ink(fill)).place(center))

    def _number(self, tensor: str, index: Index, size: float, color: str | None = None) -> Number:
        """An element that fits a box."""
        return self.number(tensor, index, size, color, width=_BOX - 0.12)


def _last(grid: Grid) -> tuple[int, int]:
    return grid.shape[0] - 1, grid.shape[1] - 1
