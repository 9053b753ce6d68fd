"""Softmax and its kin: every slice along an axis becomes shares of one sum."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import Any, ClassVar

from manim import Animation, VGroup

from torchreel.assets.examples import DEFAULT
from torchreel.scenes.activation import operators
from torchreel.scenes.activation.softmax.board import SoftmaxBoard
from torchreel.scenes.activation.softmax.trace import row_shift, softmax_dim
from torchreel.scenes.parts.motion import Appear
from torchreel.scenes.parts.places import Places
from torchreel.scenes.parts.pointer import Pointer
from torchreel.scenes.parts.shapes import Shape
from torchreel.scenes.stage.beats import Beat, runs
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Index, Token
from torchreel.scenes.trace.proof import Step

_MOST_SWEEPS = 6


class SoftmaxScene(OperatorScene):
    """One slice step by step (largest, exponentials, sum, shares), then the others."""

    heads: ClassVar[Mapping[str, str]] = {
        "input": "input x",
        "shifted": "d = x − m",
        "exp": "e = exp(d)",
        "output": "output y",
    }
    signs: ClassVar[Mapping[str, str]] = {"input": "− m", "exp": "÷ s"}
    feet: ClassVar[Mapping[str, str]] = {"max": "input", "sum": "exp"}

    def story(self) -> Iterator[Beat]:
        dim = softmax_dim(self.trace.module, len(self.trace.shape("input")))
        self.dim = dim
        self.board = SoftmaxBoard(
            self.look, self.trace, dim, list(self.heads), self.heads, self.feet, self.signs
        )
        self.framed = VGroup()
        if notes := self._left_out():
            self.add(self.board.note(notes))
        self.add(self.board.slice, self.board.scenery)
        self._frame_slice()
        self.add(self.framed)
        yield Beat("start")
        yield from self.in_full()
        for run in runs(self.board.owners[1:], _MOST_SWEEPS):
            step = self._best_of(run[-1])
            look, swept = partial(self._next, run[-1]), len(self.board.owners) > 3
            yield Beat("done", partial(self._write_slices, run), 0.4, 0.8, step, look=look, sweep=swept)
        yield Beat("done", self.leave, 0.1)

    @cached_property
    def told_as(self) -> str:
        """Words about rows are for a matrix along its rows; those about a shift for two rows that differ by one."""
        name, shape = super().told_as, self.trace.shape("input")
        if name in ("dim", "shift") and (len(shape) != 2 or softmax_dim(self.trace.module, 2) != 1):
            return DEFAULT
        return "dim" if name == "shift" and self._shift is None else name

    @cached_property
    def _shift(self) -> float | None:
        x: Any = self.trace.tensors["input"]
        return row_shift(x)

    def values(self) -> dict[str, object]:
        shift = "" if self._shift is None else self.text("input", self._shift)
        return {"dim": self.dim, "shift": shift, "size": self.board.size}

    def law(self) -> Sequence[Token]:
        return [Token("output = exp(input − max) / Σ exp(input − max)")]

    def figure(self) -> Step | None:
        return self.trace.step("output", self.board.best())

    def pointing_at(self, step: Step) -> Pointer | None:
        """Where the planes hold a part of the slice only, the frames stand on the columns alone."""
        board = self.board
        if not board.is_partial:
            return super().pointing_at(step)
        places = Places([*board.columns.values(), *(parts[0] for parts in board.stands.values())])
        target = places[(step.tensor, step.index)]
        return target and Pointer(
            self.look, target, places.of(step.reads), self.main_source(step), self._standing_texts()
        )

    def in_full(self) -> Iterator[Beat]:
        """The first slice, column by column."""
        best = self.board.best()
        yield from self.less_the_largest(best)
        yield self._column("exp", "exp", self._other(best))
        yield self._foot("divide", "sum")
        yield self._column("divide", "output", best)

    def less_the_largest(self, best: Index) -> Iterator[Beat]:
        """The largest, and what is left of each."""
        yield self._foot("max", "max")
        yield self._column("max", "shifted", self._other(best))

    def _other(self, best: Index) -> Index:
        """An element that is not the largest, if there is one."""
        board = self.board
        return next((one for slot in range(board.size) if (one := board.element(slot)) != best), best)

    def _column(self, key: str, name: str, index: Index) -> Beat:
        step = self.trace.step(name, index)
        return Beat(key, partial(self._write, name), 0.4, 0.8, step, look=partial(self.point_at, step))

    def _foot(self, key: str, name: str) -> Beat:
        step = self.trace.step(name, self.board.owner)
        return Beat(
            key, partial(self.board.stand, name), 0.4, 0.8, step, look=partial(self._at_foot, name, step)
        )

    def _at_foot(self, name: str, step: Step) -> list[Animation]:
        self.add(*self.board.stands[name])
        return self.point_at(step)

    def _write(self, name: str) -> list[Animation]:
        moves = self.board.write(name)
        if name == self.board.bar_name:
            moves.append(Appear(self.board.bars_drawn()))
        if name == "output":
            moves += self.board.write_slice(self.board.owner) if self.board.planes else []
        return moves

    def _frame_slice(self) -> list[Animation]:
        self.remove(self.framed)
        wire = self.look.theme.wire
        paths = self.board.slice_paths()
        self.framed = VGroup(*(Shape(path, stroke=wire, stroke_width=4.0, z_index=2) for path in paths))
        return [Appear(self.framed)] if len(self.framed) else []

    def _next(self, owner: Index) -> list[Animation]:
        """Another slice takes the columns."""
        board = self.board
        stands = [part for parts in board.stands.values() for part in parts]
        grids = [*board.columns.values(), *(parts[0] for parts in board.stands.values())]
        written = [number for grid in grids for number in grid.numbers.values()]
        self.remove(board.slice, board.bars, *stands, *written)
        self.bring_to_back(board.show(owner, whole=True))
        return [*self._frame_slice(), *self.point_at(self._best_of(owner))]

    def _best_of(self, owner: Index) -> Step:
        before, self.board.owner = self.board.owner, owner
        best = self.board.best()
        self.board.owner = before
        return self.trace.step("output", best)

    def _write_slices(self, owners: Sequence[Index]) -> list[Animation]:
        return [move for owner in owners for move in self.board.write_slice(owner)]

    def _left_out(self) -> str:
        board = self.board
        needed = {
            "sampled": board.is_sampled,
            "part": board.is_partial,
            "heat_map": not board.has_numbers,
        }
        return " · ".join(self.words(key) for key, needs in needed.items() if needs)


class Softmax(SoftmaxScene):
    operator = operators.Softmax


class Softmin(SoftmaxScene):
    """Softmax of the opposite: the smallest gets the largest share."""

    operator = operators.Softmin
    heads: ClassVar[Mapping[str, str]] = {
        "input": "input x",
        "negated": "n = −x",
        "shifted": "d = n − m",
        "exp": "e = exp(d)",
        "output": "output y",
    }
    signs: ClassVar[Mapping[str, str]] = {"negated": "− m", "exp": "÷ s"}
    feet: ClassVar[Mapping[str, str]] = {"max": "negated", "sum": "exp"}

    def law(self) -> Sequence[Token]:
        return [Token("output = exp(−input − max) / Σ exp(−input − max)")]

    def less_the_largest(self, best: Index) -> Iterator[Beat]:
        yield self._column("negate", "negated", self._other(best))
        yield from super().less_the_largest(best)


class Softmax2d(SoftmaxScene):
    """Every pixel's channels are one slice."""

    operator = operators.Softmax2d


class LogSoftmax(SoftmaxScene):
    """The logarithm of the share, in one subtraction."""

    operator = operators.LogSoftmax
    signs: ClassVar[Mapping[str, str]] = {"input": "− m", "exp": "x − ℓ"}
    feet: ClassVar[Mapping[str, str]] = {"max": "input", "sum": "exp", "logsumexp": "output"}

    def law(self) -> Sequence[Token]:
        return [Token("output = input − logsumexp,   logsumexp = max + log(Σ exp(input − max))")]

    def in_full(self) -> Iterator[Beat]:
        best = self.board.best()
        yield from self.less_the_largest(best)
        yield self._column("exp", "exp", self._other(best))
        yield self._foot("logsumexp", "sum")
        yield self._foot("logsumexp", "logsumexp")
        yield self._column("subtract", "output", best)
