"""How a pooling clip goes: the first windows step by step, the rest as a quickening sweep."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import pairwise

from manim import Animation, VGroup

from torchreel.assets.examples import DEFAULT
from torchreel.scenes.parts.motion import Appear, Vanish, sweep_times
from torchreel.scenes.parts.sheet import Position
from torchreel.scenes.pooling.window.board import PoolingBoard
from torchreel.scenes.pooling.window.trace import pool_window
from torchreel.scenes.stage.beats import Beat, runs
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Token
from torchreel.scenes.trace.proof import Step

_MOST_STEPS, _FEWEST_STEPS = 24, 6
_MOST_LIFTED = 6000
MOST_TERMS = 9
_JUMP = 0.15


class PoolingScene(OperatorScene):
    """The window's values are lifted out and become one value; a subclass says how, on its `board`."""

    board: PoolingBoard

    def set_up(self) -> PoolingBoard:
        """The board of the clip."""
        raise NotImplementedError

    def in_full(self, position: Position, first: bool) -> Iterator[Beat]:
        """What happens to the lifted values of one window, up to the output, step by step."""
        raise NotImplementedError

    def in_brief(self, position: Position) -> VGroup:
        """What stands in and beside the slots when a quick step is done."""
        raise NotImplementedError

    def kept(self, position: Position) -> Sequence[VGroup]:
        """What a quick step leaves on the stage for good."""
        return ()

    def end(self) -> str:
        """The caption of the last picture."""
        return "done"

    def story(self) -> Iterator[Beat]:
        self.board = self.set_up()
        self.lifted, self.groups = VGroup(), list[VGroup]()
        self.add(self.board.scenery())
        yield Beat("start", run_time=1.4, formula=self.law(), also=self._reading())
        positions = self.board.positions()
        slow = self.chosen(positions)
        for first, last in pairwise([*map(positions.index, slow), len(positions)]):
            yield from self._slowly(positions[first], first == 0)
            yield from self._swept(positions[first + 1 : last])
        yield Beat(self.end(), self._clear, 0.4)

    def chosen(self, positions: Sequence[Position]) -> list[Position]:
        """The windows that are shown step by step, in order and the first of all among them."""
        return list(positions[:2])

    def _slowly(self, position: Position, first: bool) -> Iterator[Beat]:
        key, hold = (self._window(), 0.7) if first else ("slide", 0.3)
        yield Beat(key, partial(self._slide, position), 0.5, hold, self.law())
        yield Beat("lift", partial(self._lift, position), 0.6, 0.4 if first else 0.1)
        yield from self.in_full(position, first)

    def _window(self) -> str:
        """The caption of the first window; only where windows lie side by side may it say that they do."""
        window = pool_window(self.trace.module)
        beside = window.stride == window.kernel and set(window.dilation) == {1}
        plain = self.told_as == DEFAULT and len(window.kernel) < 3
        return "window_moves" if plain and not beside else "window"

    def values(self) -> dict[str, object]:
        window, shape = pool_window(self.trace.module), self.trace.shape("input")
        ndim = len(window.kernel)
        plane = shape[-ndim:]
        spans = [d * (k - 1) + 1 for k, d in zip(window.kernel, window.dilation, strict=True)]
        sizes = zip(plane, window.padding, spans, window.stride, strict=True)
        return {
            "name": self.operator.name,
            "kernel": times(window.kernel),
            "stride": setting(window.stride),
            "padding": setting(window.padding),
            "dilation": setting(window.dilation),
            "span": times(spans),
            "plane": times(plane),
            "out": times(self.trace.shape("output")[-ndim:]),
            "floor": times([max(0, (n + 2 * p - span) // s + 1) for n, p, span, s in sizes]),
            "width": plane[-1],
            "height": plane[-2] if ndim > 1 else 1,
        }

    def window_label(self) -> str:
        """What stands above the slots."""
        return self.words("window_label", kernel=self.values()["kernel"])

    def formula_tokens(self, step: Step, most: int = MOST_TERMS) -> list[Token]:
        """The terms of a small window are all shown."""
        return super().formula_tokens(step.shortened(most), most)

    def law(self) -> list[Token]:
        """How an output element comes about, with names for numbers."""
        step = self.trace.step("output", self.board.index((0,) * len(self.board.size.out)))
        return [Token(f"output = {step.formula.symbols()}")]

    def step(self, name: str, position: Position) -> Step:
        """The step of a result at a position of the output."""
        return self.trace.step(name, self.board.index(position))

    def _reading(self) -> tuple[str, ...]:
        """Which sentences a large call needs: channels apart, a part of the plane, colours for numbers."""
        shape = self.trace.shape("input")
        needed = {
            "one_plane": max(shape[: -self.board.size.dims], default=1) > 1,
            "cropped": self.board.is_cropped,
            "heat": not self.board.has_numbers,
        }
        return tuple(key for key, needs in needed.items() if needs)

    def _slide(self, position: Position) -> Iterable[Animation]:
        board = self.board
        self.remove(self.lifted)
        if board.window in self.mobjects:
            return board.move(position)
        return [Appear(board.window), *(Appear(frame) for frame in board.targets.values())]

    def _lift(self, position: Position) -> Iterable[Animation]:
        self.groups = self.board.slots.filled(position)
        self.lifted = VGroup(*self.groups)
        return self.board.lift(position, self.groups)

    def _swept(self, positions: Sequence[Position]) -> Iterator[Beat]:
        """The remaining outputs in torch's order, ever quicker; many at a time if there is much to draw."""
        steps = max(_FEWEST_STEPS, min(_MOST_STEPS, _MOST_LIFTED // len(self.board.slots)))
        sweep = runs(positions, steps)
        first, last = (0.9, 0.6) if len(sweep) <= 8 else (0.5, 0.2)
        for run, seconds in zip(sweep, sweep_times(len(sweep), first, last), strict=True):
            yield Beat("sweep", partial(self._sweep, run), seconds, 0.0, self.step("output", run[-1]))

    def _sweep(self, run: Sequence[Position]) -> Iterable[Animation]:
        """A quick step: the window jumps on, its values stand there and what became of them, the result is written."""
        board, position = self.board, run[-1]
        self.remove(self.lifted)
        self.lifted = self.in_brief(position)
        self.add(self.lifted)
        self.add(*(mark for each in run for mark in self.kept(each)))
        written = [move for each in run for name in board.names for move in board.write(name, each)]
        return [*board.move(position, _JUMP), *written]

    def _clear(self) -> Iterable[Animation]:
        return [Vanish(self.board.window), *(Vanish(frame) for frame in self.board.targets.values())]


def setting(sizes: Sequence[int]) -> str:
    """A setting as a reader types it: one number if all dimensions have the same."""
    return str(sizes[0]) if len(set(sizes)) == 1 else str(tuple(sizes))


def times(sizes: Iterable[int]) -> str:
    """Sizes as a reader writes them, `2 × 3`."""
    return " × ".join(map(str, sizes))
