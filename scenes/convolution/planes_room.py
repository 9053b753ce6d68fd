"""How much room planes side by side take: the size of the cells, and the columns in which everything stands."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace

from torchreel.scenes.convolution.board import ConvolutionBoard
from torchreel.scenes.convolution.geometry import Cut
from torchreel.scenes.convolution.stations import BOTTOM, HEAD, LEFT, MOST_OUTPUTS, NOTE, RIGHT, TAG_CELL, TOP
from torchreel.scenes.parts.grid import Cells
from torchreel.scenes.parts.look import MIN_NUMBER
from torchreel.scenes.parts.text import measure

_SIDE = 0.5
_BETWEEN = 0.3
_LABELLED = 0.46
_GAP = 0.85
_WIDEST_GAP = 2.1
_APART = 0.5
_CLOSE = 0.18
_LARGEST = 1.12
_LIMITS = (13, 11, 9, 8, 7, 6, 5)
_HEAT = (20, 16, 12, 9, 7, 5, 4, 3)
_LEAST_SUM, SUM_AIR = 0.95, 0.16
_NEAR = 0.8
_MOST_KERNELS = 3


class PlanesRoom(ConvolutionBoard, ABC):
    """How large the cells are, and the columns of inputs, kernels, sums, biases and outputs."""

    def lay_out(self) -> None:
        self.single = self.size.per_group == 1
        widest = max(len(self.rows_of(out)) for out in self.outs)
        self.sums_channels = "partial" in self.trace.tensors and widest > 1 and not self.single
        self.sum_width = _LEAST_SUM
        if self.sums_channels:
            widest_sum = max(measure(text, MIN_NUMBER) for text in self.texts("partial"))
            self.sum_width = max(_LEAST_SUM, widest_sum + SUM_AIR)
        in_group = min(self.size.outs_per_group, len(self.outs))
        self.across = 1 if self.single or in_group > _MOST_KERNELS else in_group
        sides = [(limit, limit) for limit in _LIMITS]
        whole = self.fitting(self._fit, sides, [(limit, limit) for limit in _HEAT])
        sizes = {"input": self.cut.plane, "weight": self.cut.kernel, "output": self.cut.out}
        self.cells = {name: replace(whole, rows=rows, cols=cols) for name, (rows, cols) in sizes.items()}
        self._place(whole)

    @property
    def is_still(self) -> bool:
        return self.single or self.across > 1 or len(self.outs) == 1

    def _columns(self, cut: Cut) -> tuple[int, int, int]:
        """How many cells wide the input, a kernel and an output are."""
        return cut.plane[1] + sum(cut.pad[2:]), self.size.spread(cut.kernel)[1], cut.out[1]

    def _heights(self, cut: Cut) -> list[tuple[int, int, float]]:
        """How many cells high, how many planes and how far apart, of the input, the kernels and the outputs."""
        kernel = self.size.spread(cut.kernel)[0]
        kernels = len(self.outs) if self.single else len(self.channels)
        rows = cut.plane[0] + sum(cut.pad[:2])
        named = (
            (_LABELLED if self.names_kernels else _CLOSE) if self.single and len(self.outs) > 1 else _BETWEEN
        )
        return [
            (rows, len(self.channels), _BETWEEN),
            (kernel, kernels, named),
            (cut.out[0], len(self.outs), _BETWEEN if self.names_kernels else _CLOSE),
        ]

    def pitches(self, height: float) -> list[float]:
        """How far apart the planes of the input, of the kernels and of the output are, middle to middle.

        A kernel of one plane is at the height of the output it makes, and a channel at that of its group's outputs:
        what leads there crosses no name. Where they do not fit so, they are as near to it as they can be.
        """
        heights = self._heights(self.cut)
        own = [rows * height + gap for rows, _, gap in heights]
        if not self.single:
            return own
        tall = max(
            rows * height + (count - 1) * pitch for (rows, count, _), pitch in zip(heights, own, strict=True)
        )
        units = [len(self.outs) / len(self.channels), 1.0, 1.0]
        fitting = [
            (tall - rows * height) / ((count - 1) * unit)
            for (rows, count, _), unit in zip(heights, units, strict=True)
            if count > 1
        ]
        shared = min([max(pitch / unit for pitch, unit in zip(own, units, strict=True)), *fitting])
        return [max(pitch, shared * unit) for pitch, unit in zip(own, units, strict=True)]

    @property
    def names_kernels(self) -> bool:
        """Whether kernels have their names above them; many in one column have their colours alone."""
        return len(self.outs) > 1 and not (self.single and len(self.outs) >= MOST_OUTPUTS)

    @property
    def _crown(self) -> float:
        """The room for the names of kernels."""
        return 0.36 if self.names_kernels else 0.0

    def _fit(self, cut: Cut, note: float) -> Cells:
        """The largest cells with which everything has its place."""
        high = TOP - HEAD - BOTTOM - note - self._crown
        height = min((high - (count - 1) * gap) / (rows * count) for rows, count, gap in self._heights(cut))
        plane, kernel, out = self._columns(cut)
        width = (RIGHT - LEFT - self._fixed(_GAP)) / (plane + self.across * kernel + self._biased + out)
        texts = self.texts(*(self.tensor(name) for name in ("input", "weight", "output")))
        found = Cells.fit(1, 1, width, height, texts, _LARGEST)
        if not found.text_size:
            return found
        room = max(
            1.25 * found.height, min(found.width, self.tag_width() if found.height >= TAG_CELL else 0.0)
        )
        found = Cells.fit(1, 1, min(width, room), height, texts, _LARGEST) if room < found.width else found
        self.tags = found.height >= TAG_CELL and found.width >= self.tag_width()
        return self.tagged(found) if self.tags else found

    def _fixed(self, gap: float) -> float:
        """The width of all that has no cells."""
        sides = _SIDE * (int(len(self.channels) > 1) + int(len(self.outs) > 1))
        sums = self.sum_width + gap * _NEAR if self.sums_channels else 0.0
        return sides + (2 + self._biased * _NEAR) * gap + (self.across - 1) * _APART + sums

    @property
    def _biased(self) -> int:
        """How many cells wide the biases are."""
        return 1 if self.size.bias else 0

    def _place(self, whole: Cells) -> None:
        width, height = whole.width, whole.height
        counts = self._columns(self.cut)
        cells = (counts[0] + self.across * counts[1] + self._biased + counts[2]) * width
        spare = RIGHT - LEFT - cells - self._fixed(0.0)
        gap = min(_WIDEST_GAP, spare / (2 + (self.sums_channels + self._biased) * _NEAR))
        used = cells + self._fixed(gap)
        x = -used / 2 + (_SIDE if len(self.channels) > 1 else 0.0)
        self.x_input, x = x + counts[0] * width / 2, x + counts[0] * width + gap
        self.x_kernel = []
        for _ in range(self.across):
            self.x_kernel.append(x + counts[1] * width / 2)
            x += counts[1] * width + _APART
        x += gap - _APART
        if self.sums_channels:
            self.x_sum, x = x + self.sum_width / 2, x + self.sum_width + gap * _NEAR
        if self.size.bias:
            self.x_bias, x = x + width / 2, x + width + gap * _NEAR
        self.x_output = x + counts[2] * width / 2
        bottom = BOTTOM + (NOTE if self.is_noted else 0.0)
        self.middle = (TOP - HEAD - self._crown + bottom) / 2
        self._stand(height)

    @abstractmethod
    def _stand(self, height: float) -> None:
        """Everything takes its place in its column, round the middle."""
