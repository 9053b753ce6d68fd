"""Max pooling: of each window the largest value stays, and where it stood is its flat index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import torch
from manim import Animation, VGroup
from torch import nn

from torchreel.scenes.formula import Max, Token
from torchreel.scenes.operator import Inputs, Operator, Settings
from torchreel.scenes.parts.grid import Cell
from torchreel.scenes.parts.motion import Appear, Vanish, sweep_times
from torchreel.scenes.pooling_stage import Board
from torchreel.scenes.pooling_trace import check_pooling, pool_window, record_max_pool
from torchreel.scenes.stage import Beat, OperatorScene
from torchreel.scenes.trace import Step

_DOCS = "https://docs.pytorch.org/docs/stable/generated/torch.nn."
_SLOW = 2
_MOST_STEPS, _FEWEST_STEPS = 24, 6
_MOST_LIFTED = 6000
_MOST_TERMS = 9
_JUMP = 0.15


def _operator(module: type[nn.Module], dims: int) -> Operator:
    name = module.__name__

    def check(settings: Settings, inputs: Inputs) -> None:
        check_pooling(name, settings, inputs, dims)

    return Operator(module, record_max_pool, "pooling", f"{_DOCS}{name}.html", check)


class _MaxPool(OperatorScene):
    """The window's values are lifted out and compared; the winner goes to the output, the rest follow as a sweep."""

    def story(self) -> Iterator[Beat]:
        if 0 in self.trace.shape("output"):
            yield Beat("empty", hold=3.0)
            return
        self.board = Board(self.look, self.trace, self._window_label())
        self.lifted, self.groups = VGroup(), list[VGroup]()
        self.add(self.board.scenery())
        yield Beat("start", run_time=1.4, formula=self._law(), also=self._reading())
        cells = self.board.positions()
        for number, cell in enumerate(cells[:_SLOW]):
            yield from self._in_full(cell, number == 0)
        yield from self._swept(cells[_SLOW:])
        yield Beat("done", self._clear, 0.4)

    def values(self) -> dict[str, object]:
        window, shape = pool_window(self.trace.module), self.trace.shape("input")
        plane, ndim = shape[-len(window.kernel) :], len(window.kernel)
        spans = [d * (k - 1) + 1 for k, d in zip(window.kernel, window.dilation, strict=True)]
        sizes = zip(plane, window.padding, spans, window.stride, strict=True)
        return {
            "kernel": _times(window.kernel),
            "stride": window.stride[-1],
            "padding": window.padding[-1],
            "dilation": window.dilation[-1],
            "span": _times(spans),
            "plane": _times(plane),
            "out": _times(self.trace.shape("output")[-ndim:]),
            "floor": _times([max(0, (n + 2 * p - span) // s + 1) for n, p, span, s in sizes]),
            "width": plane[-1],
        }

    def _window_label(self) -> str:
        return self.words("window_label", kernel=self.values()["kernel"])

    def formula_tokens(self, step: Step, most: int = _MOST_TERMS) -> list[Token]:
        """A maximum has short terms, so more of them are shown than of a sum."""
        return super().formula_tokens(_shortened(step, most), most)

    def _law(self) -> list[Token]:
        step = self.trace.step("output", self.board.index((0, 0)))
        return [Token(f"output = {step.formula.symbols()}")]

    def _reading(self) -> tuple[str, ...]:
        """Which sentences a large call needs: channels apart, a part of the plane, colours for numbers."""
        shape = self.trace.shape("input")
        needed = {
            "one_plane": max(shape[: -self.board.size.dims]) > 1,
            "cropped": self.board.is_cropped,
            "heat": not self.board.has_numbers,
        }
        return tuple(key for key, needs in needed.items() if needs)

    def _in_full(self, cell: Cell, first: bool) -> Iterator[Beat]:
        """One output element step by step: window, values, comparison, winner, index."""
        step = self.trace.step("output", self.board.index(cell))
        yield Beat("window" if first else "slide", partial(self._slide, cell), 0.5, 0.7 if first else 0.3,
                   self._law())  # fmt: skip
        yield Beat("lift", partial(self._lift, cell), 0.6, 0.4 if first else 0.1)
        if first and self._border_is_worth_showing(cell):
            yield from self._with_zeros(cell, step.value)
        yield Beat("compare", partial(self._judge, cell), 0.4, 0.9 if first else 0.3)
        value: dict[str, object] = {"value": self.text("output", step.value)}
        yield Beat("keep", partial(self._write, "output", cell), 0.6, 0.7 if first else 0.3, step, value)
        if self.board.returns_indices:
            index = self.trace.step("indices", self.board.index(cell))
            values: dict[str, object] = {"index": self.text("indices", index.value)}
            hold = 0.9 if first else 0.3
            yield Beat("index", partial(self._write, "indices", cell), 0.6, hold, index, values)

    def _border_is_worth_showing(self, cell: Cell) -> bool:
        """Whether zeros at the border would change this window's maximum, and the window is small enough to show."""
        loses = self.trace.value("output", self.board.index(cell)) < 0
        return loses and bool(self.board.border(cell)) and bool(self.board.slot.text_size)

    def _with_zeros(self, cell: Cell, value: float) -> Iterator[Beat]:
        """What a border of zeros would do, and that it is -inf instead."""
        values: dict[str, object] = {"value": self.text("output", value)}
        zero = self.text("input", 0.0)
        wrong = [Token(f"max(…, 0, …) = {zero} ≠ {values['value']}")]
        yield Beat("zeros", partial(self._show_zeros, cell), 0.4, 1.5, wrong, values)
        yield Beat("not_zeros", self._hide_zeros, 0.3, 0.9, self._law(), values)

    def _show_zeros(self, cell: Cell) -> Iterable[Animation]:
        self.hidden = [self.groups[k][1] for k in self.board.border(cell)]
        self.remove(*self.hidden)
        self.zeros = self.board.zeros(cell)
        return [Appear(self.zeros)]

    def _hide_zeros(self) -> Iterable[Animation]:
        self.remove(self.zeros)
        return [Appear(text) for text in self.hidden]

    def _slide(self, cell: Cell) -> Iterable[Animation]:
        board = self.board
        self.remove(self.lifted)
        if board.window in self.mobjects:
            return board.move(cell)
        return [Appear(board.window), *(Appear(frame) for frame in board.targets.values())]

    def _lift(self, cell: Cell) -> Iterable[Animation]:
        self.groups = self.board.lifted(cell)
        self.lifted = VGroup(*self.groups)
        return self.board.lift(cell, self.groups)

    def _judge(self, cell: Cell) -> Iterable[Animation]:
        animations, crown = self.board.judge(cell, self.groups)
        self.lifted.add(crown)
        return animations

    def _write(self, name: str, cell: Cell) -> Iterable[Animation]:
        marks = self.board.mark(cell) if name == "output" else []
        return [*self.board.write(name, cell, fly=True), *map(Appear, marks)]

    def _swept(self, cells: Sequence[Cell]) -> Iterator[Beat]:
        """The remaining outputs in torch's order, ever quicker; many at a time if there is much to draw."""
        steps = max(_FEWEST_STEPS, min(_MOST_STEPS, _MOST_LIFTED // len(self.board.slots)))
        size = max(1, -(-len(cells) // steps))
        runs = [cells[k : k + size] for k in range(0, len(cells), size)]
        few = len(runs) <= 8
        for run, seconds in zip(
            runs, sweep_times(len(runs), 0.9 if few else 0.5, 0.6 if few else 0.2), strict=True
        ):
            step = self.trace.step("output", self.board.index(run[-1]))
            yield Beat("sweep", partial(self._sweep, run), seconds, 0.0, step)

    def _sweep(self, run: Sequence[Cell]) -> Iterable[Animation]:
        """A quick step: the window jumps on, the values stand compared, the winner is written."""
        board, cell = self.board, run[-1]
        self.remove(self.lifted)
        self.lifted = board.judged(cell)
        self.add(self.lifted)
        self.add(*(mark for each in run for mark in board.mark(each)))
        written = [move for each in run for name in board.names for move in board.write(name, each)]
        return [*board.move(cell, _JUMP), *written]

    def _clear(self) -> Iterable[Animation]:
        return [Vanish(self.board.window), *(Vanish(frame) for frame in self.board.targets.values())]


def _shortened(step: Step, most: int) -> Step:
    """The same step without terms that its drawing would leave out anyway: a window may hold very many."""
    if not isinstance(step.formula, Max):
        return step
    ref = next(step.formula.refs())
    live = torch.arange(ref.index.shape[1]) if ref.skip is None else (~ref.skip[0]).nonzero()[:, 0]
    if len(live) <= most + 1:
        return step
    chosen = torch.cat([live[:most], live[-1:]])
    return replace(step, formula=Max(ref.at(lambda part: part[:, chosen])))


def _times(sizes: Iterable[int]) -> str:
    return " × ".join(map(str, sizes))


class MaxPool2d(_MaxPool):
    operator = _operator(nn.MaxPool2d, 2)
