"""The comparison figure: a block for each layer, the sets that share statistics in colour, sizes and values below."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from manim import Animation, VGroup

from torchreel.scenes.normalization.plan import plane_index
from torchreel.scenes.normalization.sets_trace import Partition
from torchreel.scenes.parts.block import SLANT, Block, Element
from torchreel.scenes.parts.desk import Desk
from torchreel.scenes.parts.look import MIN_TEXT, NAME_TEXT, Look
from torchreel.scenes.parts.motion import Appear, Paint
from torchreel.scenes.parts.shapes import Box, Shape, box_points
from torchreel.scenes.parts.text import Text, fit, measure
from torchreel.scenes.stage.bars import EDGE, MARGIN, STAGE_BOTTOM, STAGE_TOP
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

PANEL = (2 * EDGE - 2 * MARGIN) / 4
_MOST = (4, 8, 6)
_BLOCK_HEIGHT, _LARGEST_CELL = 3.1, 0.62
_BLOCK_Y = 0.98
_FIRST = {"BatchNorm": "c=0", "LayerNorm": "n=0", "InstanceNorm": "n=0, c=0", "GroupNorm": "n=0, g=0"}
_AXES = {1: "L", 2: "H·W", 3: "D·H·W"}


class LayerPanel(Desk):
    """One layer: its name, its block, and below it what is shared, how many sets there are, one set's statistics."""

    def __init__(self, look: Look, trace: Trace, layer: str, partition: Partition, number: int) -> None:
        super().__init__(look, trace)
        self.layer, self.partition = layer, partition
        self.x = (number - 1.5) * PANEL
        self.first: Index = (0,) * len(partition.sets)
        self.spatial = trace.shape("input")[2:]
        samples, channels = trace.shape("input")[:2]
        self.whole: Element = (samples, channels, math.prod(self.spatial))
        self.size: Element = tuple(min(n, most) for n, most in zip(self.whole, _MOST, strict=True))  # type: ignore[assignment]
        beside = max(measure(line, MIN_TEXT, "mono") for line in self._axis(2)) + 0.1
        width, height = self._cell(PANEL - 0.25 - beside)
        self.block = Block(look, self.size, width, height, (self.x + beside / 2, _BLOCK_Y))
        self.name = self.label(layer, (self.x, STAGE_TOP - 0.36), 0.28, font="bold")
        self.labels = VGroup(self.name, *self._axes())
        self.values = VGroup(*self._values(width, height))

    def outline(self) -> np.ndarray:
        """The path of the frame round the panel."""
        return box_points(
            PANEL - 0.1, STAGE_TOP - STAGE_BOTTOM - 0.2, (self.x, (STAGE_TOP + STAGE_BOTTOM) / 2), 0.14
        )

    def light(self, sets: Sequence[Index]) -> list[Animation]:
        """The elements of some sets take their sets' colours, and a line is drawn round each set."""
        shown = set(sets)

        def color(element: Element) -> str | None:
            owner = self.owner(element)
            return self.color(owner) if owner in shown else None

        members = [face.element for face in self.block.faces if self.owner(face.element) in shown]
        path = self.block.borders(lambda a, b: self.owner(a) == self.owner(b), members)
        edge = Shape(path, stroke=self.look.theme.text, stroke_width=2.6)
        return [*self.block.paint(color), *([Appear(edge, run_time=0.4)] if len(path) else [])]

    def raise_name(self) -> list[Animation]:
        """The layer's name in full ink."""
        return [Paint(self.name, fill=self.look.theme.text, run_time=0.3)]

    def facts(self, share: str, sets: str) -> VGroup:
        """The lines below the block: what is shared, how many sets, and the first set's mean and variance."""
        theme = self.look.theme
        bottom = STAGE_BOTTOM + 0.35
        lines = VGroup()
        for text, y, size, color in ((share, 1.2, 0.22, theme.text), (sets, 0.87, NAME_TEXT, theme.muted)):
            fitted = fit(text, PANEL - 0.35, size, MIN_TEXT)
            lines.add(self.label(text, (self.x, bottom + y), fitted, color, "sans"))
        lines.add(*self._first_set(bottom + 0.45))
        for name, y in (("mean", 0.45), ("var", 0.08)):
            lines.add(*self._statistic(name, bottom + y))
        return lines

    def visible_sets(self) -> list[Index]:
        """The sets that the block shows an element of, in torch's order."""
        return sorted({self.owner(face.element) for face in self.block.faces})

    def owner(self, element: Element) -> Index:
        """The set an element of the block belongs to."""
        return self.partition.owner(element)

    def color(self, owner: Index) -> str:
        """The identifying colour of a set; neighbours differ."""
        parts = self.partition.parts
        groups = parts.get(1, 1)
        step = groups if groups % len(self.look.theme.channels) else 3
        sample, group = (owner[0] if 0 in parts else 0), (owner[-1] if 1 in parts else 0)
        return self.look.theme.channel(sample * step + group)

    @property
    def cropped(self) -> bool:
        """Whether the block shows only a corner of the input."""
        return self.size != self.whole

    def _cell(self, room: float) -> tuple[float, float]:
        samples, channels, positions = self.size
        width = min(_LARGEST_CELL, (room - samples * SLANT[0]) / channels)
        return width, min(_LARGEST_CELL, (_BLOCK_HEIGHT - samples * SLANT[1]) / positions)

    def _axis(self, axis: int) -> list[str]:
        """The name of an axis, with how much of it is shown where that is not all."""
        name = ("N", "C", _AXES[len(self.spatial)])[axis]
        return (
            [name] if self.size[axis] == self.whole[axis] else [name, f"{self.size[axis]}/{self.whole[axis]}"]
        )

    def _axes(self) -> list[Text]:
        samples, channels, positions = self.size
        at = self.block.point
        below = at(0, channels / 2, positions) + np.array([0, -0.2, 0])
        beside = at(0, 0, positions / 2) + np.array([-0.1, 0, 0])
        slanted = at(samples / 2, 0, 0) + np.array([-0.12, 0.1, 0])
        texts = [
            self.label(" ".join(self._axis(1)), below, MIN_TEXT),
            self.label(" ".join(self._axis(0)), slanted, MIN_TEXT, align="right"),
        ]
        for number, line in enumerate(self._axis(2)):
            at = beside - np.array([0, 0.24 * number, 0])
            texts.append(self.label(line, at, MIN_TEXT, align="right"))
        return texts

    def _values(self, width: float, height: float) -> list[Text]:
        """The numbers of the front face, the first sample, where they fit."""
        ems = max(measure(text, 1.0) for text in self.texts("input"))
        size = min(0.24, (width - 0.1) / ems, height * 0.6)
        if size < MIN_TEXT:
            return []
        numbers = []
        for channel in range(self.size[1]):
            for position in range(self.size[2]):
                index = _element(channel, position, self.spatial)
                number = self.number("input", index, size)
                numbers.append(number.place(self.block.point(0, channel + 0.5, position + 0.5)))
        return numbers

    def _first_set(self, y: float) -> list[Box | Text]:
        """Which set the statistics belong to: its colour and its index."""
        theme, fill = self.look.theme, self.block.shade("front", self.color(self.first))
        left = self.x - PANEL / 2 + 0.3
        return [
            Box(0.2, 0.2, (left + 0.1, y - 0.185), 0.04, fill=fill, stroke=theme.text),
            self.label(_FIRST[self.layer], (left + 0.32, y - 0.185), color=theme.text, align="left"),
        ]

    def _statistic(self, name: str, y: float) -> list[Text]:
        tensor = f"{self.layer}.{name}"
        right = self.x + PANEL / 2 - 0.3
        room = measure("000.00", 0.27)
        number = self.number(tensor, self.first, 0.27, width=room)
        label = self.label(name, (right - room - 0.12, y), align="right")
        return [label, number.place((right, y), align="right")]


def _element(channel: int, position: int, spatial: Index) -> Index:
    """The index of a position of the first sample."""
    cols = spatial[-1]
    find: Callable[[tuple[int, int]], Index] = plane_index((0, channel), spatial)
    return find((position // cols, position % cols))
