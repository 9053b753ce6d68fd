"""The story of a convolution: a window, its products with the kernel, one output; then the same everywhere."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import ClassVar, TypeVar

from manim import Animation, VGroup

from torchreel.scenes.convolution.board import ConvolutionBoard, appear
from torchreel.scenes.convolution.steps import WindowSteps
from torchreel.scenes.convolution.words import (
    border_law,
)
from torchreel.scenes.parts.views import Place
from torchreel.scenes.stage.beats import Beat

_MOST_STEPS = 14
_STEP_TIME, _MANY = 0.5, 9

T = TypeVar("T")


def runs_by_output(steps: Sequence[tuple[int, T]], most: int) -> list[tuple[int, list[T]]]:
    """The steps of a sweep, `(output channel, what comes)`, in runs as long as `most` of them would need to be.

    A run ends with its output channel, so there may be a few more than `most`.
    """
    size = max(1, math.ceil(len(steps) / most))
    planes = ((out, [what for _, what in plane]) for out, plane in groupby(steps, itemgetter(0)))
    return [(out, plane[k : k + size]) for out, plane in planes for k in range(0, len(plane), size)]


class WindowStory(WindowSteps):
    """One output element slowly, the next ones, the rest: window, weights, lines and value belong to one element."""

    board_class: ClassVar[type[ConvolutionBoard]]

    def story(self) -> Iterator[Beat]:
        board = self.board_class(self.look, self.trace)
        if board.is_noted:
            self.add(board.note(self._left_out(board)))
        yield from self.sliding(board)

    def sliding(self, board: ConvolutionBoard) -> Iterator[Beat]:
        """The convolution that stands on `board`, from the kernel's arrival to the last output."""
        self._board, self.border, self.kernel, self.marks = board, VGroup(), VGroup(), VGroup()
        self.out, start = board.outs[0], (0,) * len(board.size.out)
        self.add(*board.inputs.values(), *board.outputs.values(), board.scenery)
        self._put_kernel(self.out, start)
        self.add(self.kernel)
        modes = list(self._padding_modes(board))
        yield from modes or [Beat("kernel", partial(self._take_kernel, self.out))]
        cells = [(out, cell) for out in board.outs for cell in board.outputs[out].positions()]
        first, rest = cells[0], cells[1:]
        yield from self._in_full(*first, bool(modes))
        yield from self._onwards(rest, bool(modes))
        yield Beat("done", self._show_results, look=self._show_figure, focus=self.figure())

    def _padding_modes(self, board: ConvolutionBoard) -> Iterator[Beat]:
        """Each padding mode in turn fills the border; the module's own comes last and stays."""
        own = board.size.pad_mode
        if own not in self.trace.tensors:
            return
        others = [
            mode for mode in self.example.extra.get("modes", []) if mode != own and mode in self.trace.tensors
        ]
        for mode in [*others, own]:
            yield Beat(
                f"mode_{mode}",
                partial(self._copy_border, mode),
                0.5,
                0.6,
                border_law(mode, board.size),
                look=partial(self._mark_border, mode),
            )

    def _mark_border(self, mode: str) -> Iterable[Animation]:
        self.remove(self.border, self.marks)
        self.marks = self.board.border_marks(mode)
        return appear(self.marks)

    def _copy_border(self, mode: str) -> Iterable[Animation]:
        self.border = VGroup(*self.board.border(mode))
        return appear(self.border)

    def _in_full(self, out: int, cell: Place, after_modes: bool) -> Iterator[Beat]:
        """The first output element: window, products, channel sums, total."""
        step, look = self._step(out, cell), partial(self._point, out, cell, False)
        results = partial(self._add_results, out, cell)
        size = self.board.size
        write = partial(self._write, out, cell)
        if self.board.sums_channels:
            index = (*size.lead, out, 0, *size.spatial(cell))
            sums = self.trace.step("partial", index)
            yield Beat("window", results, 0.5, 0.6, sums, look=look, focus=step)
            yield Beat("total", write, 0.4, 0.6, step)
            return
        if size.bias and not after_modes:
            yield Beat("window", results, 0.5, 0.6, look=look, focus=step)
            yield Beat("total", write, 0.4, 0.6, step)
            return
        yield Beat("window", lambda: [*results(), *write()], 0.4, 0.8, step, look=look)

    def _onwards(self, cells: Sequence[tuple[int, Place]], after_modes: bool) -> Iterator[Beat]:
        """The next elements with their numbers, then the rest as cuts from place to place."""
        plain = not (self.board.sums_channels or self.board.size.bias or after_modes)
        slow = 2 if plain and len(self.board.outs) == 1 else 1
        own = [one for one in cells if one[0] == self.board.outs[0]]
        for out, cell in own[:slow] if plain else []:
            yield self._next("slide", out, cell)
        rest = cells[min(slow, len(own)) if plain else 0 :]
        steps = runs_by_output(rest, _MOST_STEPS)
        seconds = _STEP_TIME if len(steps) <= _MANY else 0.3
        turn = None if after_modes else self._turn
        for out, run in steps:
            name = "window" if after_modes else "sweep" if out == self.board.outs[0] else "next_kernel"
            if out == turn:
                yield self._next(name, out, run[0])
                run, turn = run[1:], None
            if run:
                yield self._swept(name, out, run, seconds)

    @property
    def _turn(self) -> int | None:
        """The output whose first element is shown with numbers again: of another group, or else of another kernel."""
        board = self.board
        others = [out for out in board.outs if board.rows_of(out) != board.rows_of(board.outs[0])]
        return next(iter([*others, *board.outs[1:]]), None)

    def _next(self, name: str, out: int, cell: Place) -> Beat:
        """One more element with its formula."""
        return Beat(
            name,
            lambda: [*self._add_results(out, cell), *self._write(out, cell)],
            0.3,
            0.5,
            self._step(out, cell),
            look=partial(self._point, out, cell, False),
        )

    def _swept(self, name: str, out: int, run: Sequence[Place], seconds: float) -> Beat:
        cell = run[-1]
        return Beat(
            name,
            partial(self._write_all, out, run),
            seconds,
            formula=self._step(out, cell),
            look=partial(self._point, out, cell, True),
            sweep=True,
        )

    def _put_kernel(self, out: int, cell: Place) -> None:
        """The kernel of an output channel as it stands while a cell is made, instead of the last one."""
        self.remove(self.kernel)
        self.planes = self.board.kernel(out, cell)
        self.kernel = self.board.kernel_parts(out, cell, self.planes)

    def _take_kernel(self, out: int) -> Iterable[Animation]:
        """The first kernel stands on stage from the beginning."""
        return []

    def _point(self, out: int, cell: Place, with_results: bool) -> Iterable[Animation]:
        """Everything that marks an output element takes the place of what marked the last one, as a cut."""
        board = self.board
        self.remove(self.marks)
        self._put_kernel(out, cell)
        self.add(self.kernel)
        self.marks = VGroup(*board.windows(out, cell))
        if with_results:
            self.marks.add(*board.results(out, cell))
        self.add(self.marks)
        return []

    def _add_results(self, out: int, cell: Place) -> Iterable[Animation]:
        results = self.board.results(out, cell)
        shown = appear(results)
        self.marks.add(*results)
        return shown

    def _write(self, out: int, cell: Place) -> list[Animation]:
        return list(self.board.outputs[out].write(cell))

    def _write_all(self, out: int, run: Sequence[Place]) -> Iterable[Animation]:
        return [animation for cell in run for animation in self._write(out, cell)]

    def _show_figure(self) -> Iterable[Animation]:
        return self._point(*self._chosen, False)

    def _show_results(self) -> Iterable[Animation]:
        return self._add_results(*self._chosen)
