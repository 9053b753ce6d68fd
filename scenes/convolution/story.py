"""The story of a convolution: a window slides, is multiplied by the kernel, and everything is summed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import ClassVar, TypeVar

from manim import Animation, VGroup

from torchreel.scenes.convolution.board import ConvolutionBoard
from torchreel.scenes.parts.motion import Appear, Vanish, sweep_times
from torchreel.scenes.parts.views import Place
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Token
from torchreel.scenes.trace.proof import Step

_SLOW = 2
_MOST_STEPS = 26
_JUMP = 0.15
_CALM = 20

T = TypeVar("T")


def runs_by_output(steps: Sequence[tuple[int, T]], most: int) -> list[tuple[int, list[T]]]:
    """The steps of a sweep, `(output channel, what comes)`, in runs as long as `most` of them would need to be.

    A run ends with its output channel, so there may be a few more than `most`.
    """
    size = max(1, math.ceil(len(steps) / most))
    planes = ((out, [what for _, what in plane]) for out, plane in groupby(steps, itemgetter(0)))
    return [(out, plane[k : k + size]) for out, plane in planes for k in range(0, len(plane), size)]


class WindowStory(OperatorScene):
    """The window slides; the first outputs show every product and channel sum, the rest follow as a sweep."""

    board_class: ClassVar[type[ConvolutionBoard]]

    def story(self) -> Iterator[Beat]:
        yield from self.sliding(self.board_class(self.look, self.trace))

    def sliding(self, board: ConvolutionBoard) -> Iterator[Beat]:
        """The convolution that stands on `board`, from the kernel's arrival to the last output."""
        self.board = board
        self.add(*self.board.inputs.values(), *self.board.outputs.values(), self.board.labels())
        self.moving, self.kernel, self.border, self.out = VGroup(), VGroup(), VGroup(), 0
        yield Beat("kernel", partial(self._take_kernel, 0), 0.6, 0.8, self._law(), also=self._reading())
        modes = list(self._padding_modes())
        yield from modes
        cells = [(out, cell) for out, grid in self.board.outputs.items() for cell in grid.positions()]
        slow = 1 if modes else _SLOW
        for number, (out, cell) in enumerate(cells[:slow]):
            yield from self._in_full(out, cell, number)
        yield from self._swept(cells[slow:])
        yield Beat("done", self._clear, 0.4)

    def _padding_modes(self) -> Iterator[Beat]:
        """Each padding mode in turn copies its border values; the module's own comes last and stays."""
        own = self.board.size.pad_mode
        if own not in self.trace.tensors:
            return
        others = [
            mode for mode in self.example.extra.get("modes", []) if mode != own and mode in self.trace.tensors
        ]
        for mode in [*others, own]:
            yield Beat(f"mode_{mode}", partial(self._copy_border, mode), 0.7, 0.6)

    def _copy_border(self, mode: str) -> Iterable[Animation]:
        self.remove(self.border)
        numbers = self.board.border(mode)
        self.border = VGroup(*numbers)
        return self.board.copies(numbers)

    def _reading(self) -> tuple[str, ...]:
        """Which sentences a large call needs: colours in place of numbers, channels left out."""
        board = self.board
        heat = not all(cells.text_size for cells in board.cells.values())
        cut = len(board.channels) < board.size.channels or len(board.outs) < board.size.outs
        return (*(["heat"] if heat else []), *(["left_out"] if cut else []))

    def _law(self) -> list[Token]:
        """The formula of every output element, in names."""
        size = self.board.size
        step = self.trace.step(
            self.board.tensor("output"), (*size.lead, 0, *size.spatial((0,) * len(size.out)))
        )
        return [Token(f"output = {step.formula.symbols()}")]

    def values(self) -> dict[str, object]:
        size = self.board.size
        return {
            "channels": size.per_group,
            "in_channels": size.channels,
            "groups": size.channels // size.per_group,
            "outs": size.outs,
            "kernel": " × ".join(map(str, size.spatial(size.kernel))),
            "stride": size.stride[1],
            "dilation": size.dilation[1],
            "depth": size.kernel[0],
        }

    def _take_kernel(self, out: int) -> Iterable[Animation]:
        """The kernel of an output channel comes to its place; what belonged to the last one leaves."""
        board = self.board
        self.remove(self.moving, self.kernel)
        self.out, self.moving, self.planes = out, VGroup(), board.kernels(out)
        self.kernel = VGroup(*self.planes.values(), board.wiring(out))
        return [Appear(self.kernel)]

    def _in_full(self, out: int, cell: Place, number: int) -> Iterator[Beat]:
        """One output element step by step: window, products, channel sums, total."""
        slow = number == 0
        index = (*self.board.size.lead, out, *self.board.size.spatial(cell))
        yield Beat(
            "window" if slow else "slide",
            partial(self._slide, out, cell),
            0.5,
            0.5 if slow else 0.3,
        )
        partials = self._partial_step(out, cell)
        yield Beat("multiply", partial(self._show_products, out, cell), 0.5, 0.6 if slow else 0.1, partials)
        if slow and self.board.sums_channels:
            yield Beat("channel_sum", partial(self._show_sums, out, cell), 0.4, 0.6, partials)
        yield Beat(
            "total",
            partial(self._write, out, cell, slow),
            0.5,
            0.6 if slow else 0.2,
            self.trace.step(self.board.tensor("output"), index),
        )

    def _partial_step(self, out: int, cell: Place) -> Step | None:
        if "partial" not in self.trace.tensors:
            return None
        size = self.board.size
        return self.trace.step("partial", (*size.lead, out, 0, *size.spatial(cell)))

    def _swept(self, cells: Sequence[tuple[int, Place]]) -> Iterator[Beat]:
        """The remaining outputs in torch's order, ever quicker; many at a time if they are many."""
        steps = runs_by_output(cells, _MOST_STEPS)
        times = sweep_times(len(steps), 0.4, 0.2 if len(steps) <= _CALM else 0.1)
        for (out, run), seconds in zip(steps, times, strict=True):
            index = (*self.board.size.lead, out, *self.board.size.spatial(run[-1]))
            fresh = bool(out) and not any(run[0])
            key, seconds = ("next_kernel" if out else "sweep"), (0.6 if fresh else seconds)
            step = self.trace.step(self.board.tensor("output"), index)
            yield Beat(key, partial(self._sweep, out, run), seconds, 0.0, step, {"out": out})

    def _slide(self, out: int, cell: Place) -> Iterable[Animation]:
        board = self.board
        self.remove(self.moving)
        self.moving = VGroup()
        if board.out_window in self.mobjects:
            return [*board.slide(out, cell), *board.kernel_moves(self.planes, cell)]
        return [*board.open_windows(out), Appear(board.out_window)]

    def _show_products(self, out: int, cell: Place) -> Iterable[Animation]:
        products = VGroup(*self.board.products(out, cell).values())
        self.moving.add(products)
        return [Appear(products)]

    def _show_sums(self, out: int, cell: Place) -> Iterable[Animation]:
        sums = self.board.sums(out, cell)
        self.moving.add(sums)
        return [Appear(sums)] if sums else []

    def _write(self, out: int, cell: Place, sums_shown: bool) -> Iterable[Animation]:
        shown = [] if sums_shown else list(self._show_sums(out, cell))
        return [*shown, *self.board.outputs[out].write(cell, self.board.node)]

    def _sweep(self, out: int, run: Sequence[Place]) -> Iterable[Animation]:
        """A quick step: windows and values jump on; the kernel changes where a new output plane begins."""
        board, cell = self.board, run[-1]
        if out != self.out:
            self._next_kernel(out)
        self.remove(self.moving)
        self.moving = VGroup(*board.products(out, cell).values(), board.sums(out, cell))
        self.add(self.moving)
        moves = [*board.slide(out, cell, _JUMP), *board.kernel_moves(self.planes, cell)]
        written = [animation for each in run for animation in board.outputs[out].write(each)]
        return [*moves, *written]

    def _next_kernel(self, out: int) -> None:
        """The next kernel, with windows over the channels that it reads only."""
        self.remove(*self.board.windows.values())
        self.add(*(self.board.windows[c] for c in self.board.rows_of(out)))
        self._take_kernel(out)
        self.add(self.kernel)

    def _clear(self) -> Iterable[Animation]:
        return [
            Vanish(window)
            for window in (*self.board.windows.values(), self.board.out_window)
            if window in self.mobjects
        ]
