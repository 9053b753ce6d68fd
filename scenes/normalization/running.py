"""The board of BatchNorm's example `running_stats`: two variances, and the blend with the buffers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.normalization.plan import NormalizationPlanes, Planner
from torchreel.scenes.normalization.sets_trace import Partition
from torchreel.scenes.parts.grid import Grid
from torchreel.scenes.parts.look import MIN_TEXT, Look
from torchreel.scenes.parts.motion import Appear, Drop, Fly
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.shapes import Arrow, Box, Shape, box_points
from torchreel.scenes.parts.text import Text, fit, measure
from torchreel.scenes.stage.bars import EDGE, MARGIN, STAGE_BOTTOM, STAGE_TOP
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

_MOST = 3
_HEAD, _FOOT = 0.55, 0.42
_LEFT = -EDGE + MARGIN
_INPUT = 2.75
_LABEL_X, _BOX_X = -1.62, -0.95
_BOX, _HEIGHT = 1.08, 0.42
_OLD_X, _BATCH_X, _NEW_X = 1.9, 4.2, 6.2
_ROWS = {"mean": 1, "var": 0, "unbiased_var": -1}
_BUFFERS = {"new_running_mean": ("running_mean", "mean"), "new_running_var": ("running_var", "unbiased_var")}


class RunningBoard:
    """One band for each channel: its numbers, the three statistics of the batch, the two buffers before and after.

    `words` are headings and remarks: "heading_batch", "heading_running", "normalizes", "left_out".
    """

    def __init__(self, look: Look, trace: Trace, sets: Partition, words: Mapping[str, str]) -> None:
        self.look, self.trace, self.sets, self.words = look, trace, sets, words
        self.owners: list[Index] = [(band,) for band in range(self.shown(sets))]
        self.pitch = (STAGE_TOP - STAGE_BOTTOM - _HEAD - _FOOT) / max(1, len(self.owners))
        self.grids = self._grids()
        self.scenery = VGroup(*self._headings())
        for band in range(len(self.owners)):
            self.scenery.add(*self.grids[band], *self._lines(band))
        self.cursor = Shape(self.around_input(0), stroke=look.theme.accent, stroke_width=4.5, z_index=2)

    @staticmethod
    def shown(sets: Partition) -> int:
        """How many channels are drawn."""
        return min(sets.sets[0], _MOST)

    def around_input(self, band: int) -> np.ndarray:
        """The path of the cursor round a channel's numbers."""
        grids = self.grids[band]
        points = np.concatenate([grid.outline((0, 0), _last(grid)) for grid in grids])
        low, high = points.min(0), points.max(0)
        return box_points(high[0] - low[0] + 0.1, high[1] - low[1] + 0.1, (low + high) / 2, 0.06)

    def around_new(self, tensor: str, band: int) -> np.ndarray:
        """The path of the cursor round a buffer's new value."""
        center = (_NEW_X, self._y(band, _ROWS[_BUFFERS[tensor][1]]))
        return box_points(_BOX + 0.08, _HEIGHT + 0.08, center, 0.08)

    def statistic(self, tensor: str, band: int) -> Animation:
        """A statistic of the batch, out of the channel's numbers."""
        box = self._box(tensor, band, (_BOX_X, self._y(band, _ROWS[tensor])))
        return Fly(box, start=(_LEFT + _INPUT / 2, self._y(band, 0)), run_time=0.6)

    def blend(self, tensor: str, band: int) -> list[Animation]:
        """The batch's statistic moves into the sum, and the buffer's new value comes out of it."""
        batch = _BUFFERS[tensor][1]
        y = self._y(band, _ROWS[batch])
        moved = self._box(batch, band, (_BATCH_X, y))
        return [
            Fly(moved, start=(_BOX_X, y), run_time=0.6),
            Drop(self._box(tensor, band, (_NEW_X, y), strong=True), run_time=0.6),
        ]

    def count(self) -> list[Animation]:
        """The number of batches, one more."""
        name = "new_num_batches_tracked"
        return (
            [Appear(self._number(name, (), 0.22).place((self.count_x, self._foot), align="left"))]
            if (name in self.trace.tensors)
            else []
        )

    def _y(self, band: int, row: int) -> float:
        middle = STAGE_TOP - _HEAD - (band + 0.5) * self.pitch - 0.1
        return middle + row * min(0.72, self.pitch / 3.4)

    @property
    def _foot(self) -> float:
        return STAGE_BOTTOM + 0.24

    def _grids(self) -> list[list[Grid]]:
        planner = Planner(
            self.look, self.trace, self.sets, ("input",), _INPUT, lambda bands: min(self.pitch - 0.55, 1.7)
        )
        plan, planes = planner.plan(), NormalizationPlanes(self.sets)
        drawn = []
        for band, owner in enumerate(self.owners):
            grids = []
            for plane in range(plan.planes):
                x, y = plan.place("input", plane)
                center = (_LEFT + _INPUT / 2 + x, self._y(band, 0) + y)
                cells, index = plan.cells["input"], planes.index(owner, plane)
                grids.append(Grid(self.look, self.trace, "input", (), cells, center, index=index))
            drawn.append(grids)
        return drawn

    def _headings(self) -> list[Text]:
        theme, y = self.look.theme, STAGE_TOP - 0.28
        shape = str(self.trace.shape("input")).replace(" ", "")
        texts = [
            Text(f"input {shape}", 0.2, theme.muted, "mono").place((_LEFT + _INPUT / 2, y)),
            Text(self.words["heading_batch"], 0.22, theme.text, "bold").place((_BOX_X - 0.9, y)),
            Text(self.words["heading_running"], 0.22, theme.text, "bold").place(((_OLD_X + _NEW_X) / 2, y)),
        ]
        if self.sets.sets[0] > len(self.owners):
            texts.append(
                Text(self.words["left_out"], MIN_TEXT, theme.muted).place((_LEFT, self._foot), align="left")
            )
        if "new_num_batches_tracked" in self.trace.tensors:
            left, label = 2.0, "num_batches_tracked"
            texts.append(Text(label, 0.2, theme.muted, "mono").place((left, self._foot), align="left"))
            left += measure(label, 0.2, "mono") + 0.2
            old = self._number(label, (), 0.22).place((left, self._foot), align="left")
            left += measure(old.text, 0.22) + 0.15
            texts += [old, Text("→", 0.2, theme.muted, "mono").place((left, self._foot), align="left")]
            self.count_x = left + 0.35
        return texts

    def _lines(self, band: int) -> list[Text | Box | VGroup]:
        """What a channel's band has from the start: its name, the sums to fill in, the buffers as they were."""
        theme, color, count = self.look.theme, self.look.theme.channel(band), self.sets.size
        top = self.around_input(band)[:, 1].max()
        parts: list[Text | Box | VGroup] = [
            Text(f"c={band}", MIN_TEXT, color, "mono").place(
                (_LEFT + 0.05, top + 0.1), align="left", vertical="baseline"
            )
        ]
        labels = {
            "mean": f"Σ x / {count}",
            "var": f"Σ (x − mean)² / {count}",
            "unbiased_var": f"Σ (x − mean)² / {count - 1}",
        }
        for tensor, text in labels.items():
            y = self._y(band, _ROWS[tensor])
            size = fit(text, _LABEL_X - _LEFT - _INPUT - 0.1, 0.2, MIN_TEXT, "mono")
            parts.append(Text(text, size, theme.text, "mono").place((_LABEL_X, y), align="right"))
            parts.append(self._empty((_BOX_X, y)))
        y = self._y(band, 0)
        parts.append(Arrow([(_BOX_X + _BOX / 2 + 0.1, y), (_BOX_X + _BOX / 2 + 0.6, y)], theme.wire))
        left = _BOX_X + _BOX / 2 + 0.72
        size = fit(self.words["normalizes"], EDGE - MARGIN - left, 0.2, MIN_TEXT)
        parts.append(Text(self.words["normalizes"], size, theme.muted).place((left, y), align="left"))
        for new, (old, batch) in _BUFFERS.items():
            parts += self._sum(band, new, old, self._y(band, _ROWS[batch]))
        return parts

    def _sum(self, band: int, new: str, old: str, y: float) -> list[Text | Box | VGroup]:
        """`(1 - factor) × old + factor × batch = new` with empty places for what is not known yet."""
        theme = self.look.theme
        kept, share = (text for text in self._factors(new))
        near = _BOX / 2 + 0.1
        texts = [
            Text(f"{kept} ×", 0.2, theme.text, "mono").place((_OLD_X - near, y), align="right"),
            Text(f"+ {share} ×", 0.2, theme.text, "mono").place((_BATCH_X - near, y), align="right"),
            Text("=", 0.2, theme.text, "mono").place((_NEW_X - near, y), align="right"),
            Text(old, MIN_TEXT, theme.muted, "mono").place(
                (_OLD_X, y + _HEIGHT / 2 + 0.09), vertical="baseline"
            ),
            Text(new, MIN_TEXT, theme.muted, "mono").place(
                (_NEW_X + _BOX / 2, y + _HEIGHT / 2 + 0.09), align="right", vertical="baseline"
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

    def _number(self, tensor: str, index: Index, size: float, color: str = "") -> Number:
        known, value = self.trace.range(tensor), self.trace.value(tensor, index)
        text = self.look.number(value, known.integer, known.scale)
        fitted = fit(text, _BOX - 0.12, size, MIN_TEXT)
        return Number(text, tensor, index, value, fitted, color or self.look.theme.text)


def _last(grid: Grid) -> tuple[int, int]:
    return grid.shape[0] - 1, grid.shape[1] - 1
