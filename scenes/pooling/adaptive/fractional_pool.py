"""Fractional max pooling: windows of one size whose starts a random number shifts, so that steps differ."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from math import gcd
from typing import Any

from torchreel.scenes.parts.sheet import Position
from torchreel.scenes.parts.text import Text
from torchreel.scenes.pooling import operators
from torchreel.scenes.pooling.adaptive.board import AdaptiveBoard
from torchreel.scenes.pooling.adaptive.fractional_trace import SAMPLE
from torchreel.scenes.pooling.adaptive.story import RuledPool
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.trace.formula import Index

_DECIMALS = 3


class _FractionalPool(RuledPool):
    """Evenly spaced points, shifted by the sample and rounded down, are where the windows start."""

    told_axes = 1

    def window_found(self, position: Position) -> Iterator[Beat]:
        assert self.board is not None
        ruler = self.board.rulers[0]
        main = self.board.ruled(position)[0]
        number = main[1]
        at = (*ruler.lead, number)
        heads, point = partial(self.heads, main), self.trace.step(f"p_{ruler.letter}", at)
        yield Beat("points", heads, 0.5, 0.5, point, look=self.make_room)
        start = self.trace.step(f"start_{ruler.letter}", at)
        values: dict[str, object] = {
            "start": int(start.value),
            "place": self._drawn(f"p_{ruler.letter}", at),
            "first": self._drawn(f"p_{ruler.letter}", (*ruler.lead, 0)),
        }
        name = "last" if number == len(ruler.windows) - 1 else "down"
        yield Beat(
            name,
            partial(self.first_bar, main),
            0.4,
            0.6,
            start,
            values,
            look=partial(self.board.light, [main]),
        )

    def head_names(self, board: AdaptiveBoard) -> list[Text]:
        """How the points are made of the random numbers, where that has room."""
        values = self.values()
        lines = [self.words("random", None, **values), self.words("heads", None, **values)]
        found = board.ruler_names(lines)
        if len(found) < len(lines):
            return board.ruler_names([self.words("points_name")])
        if board.cover.is_volume or len(board.rulers) < 2:
            return found
        letter = board.rulers[1].letter
        other = {"u": self._sample(letter), "alpha": self._drawn(f"alpha_{letter}", ())}
        return [*found, *board.beside_name(self.words("heads_of_rows", **other))]

    def interval(self, axis: int, out: str, read: str) -> str:
        assert self.board is not None
        cover = self.board.cover
        size, count = (sides[-len(cover.letters) :][axis] for sides in (cover.sizes, cover.counts))
        start, end = cover.axes[axis][0]
        side = end - start
        if count < 2:
            return f"{size - side} ≤ {read} < {size}"
        above, below = size - side, count - 1
        common = gcd(above, below)
        step = f"{above // common}" + (f"/{below // common}" if below != common else "")
        low = f"a_{{{out}}}"
        rule = f"⌊({out} + u)·{step}⌋ − ⌊u·{step}⌋"
        return f"{low} ≤ {read} < {low} + {side},  {low} = {rule}"

    def merit(self, position: Position) -> tuple[Any, ...]:
        """A window that comes of its point: the last one ends with the input, whatever its point is."""
        assert self.board is not None
        own, counts = position[-len(self.board.cover.letters) :], self.board.cover.counts
        inner = [0 < at < count - 1 for at, count in zip(own, counts[-len(own) :], strict=True)]
        early = [at < count - 1 for at, count in zip(own, counts[-len(own) :], strict=True)]
        return (sum(inner), sum(early), *super().merit(position))

    def values(self) -> dict[str, object]:
        assert self.board is not None
        cover, letter = self.board.cover, self.board.rulers[0].letter
        axis = 0 if cover.is_volume else -1
        sides = [end - start for start, end in cover.window((0,) * len(cover.axes))]
        steps = [b - a for (a, _), (b, _) in pairwise(cover.axes[axis])]
        return {
            **super().values(),
            "kernel": " × ".join(map(str, sides)),
            "alpha": self._drawn(f"alpha_{letter}", ()),
            "u": self._sample(letter),
            "steps": ", ".join(map(str, steps)),
            "ratio": str(self.trace.kwargs.get("output_ratio")),
        }

    def _sample(self, letter: str) -> str:
        """The random number of an axis, with the decimals from which its first point follows."""
        assert self.board is not None
        letters = self.board.cover.letters
        value = self.trace.value("u", (0, 0, SAMPLE[len(letters)][letters.index(letter)]))
        return f"{value:.{_DECIMALS}f}"

    def _drawn(self, tensor: str, index: Index) -> str:
        return self.text(tensor, self.trace.value(tensor, index))


class FractionalMaxPool2d(_FractionalPool):
    operator = operators.FractionalMaxPool2d


class FractionalMaxPool3d(_FractionalPool):
    operator = operators.FractionalMaxPool3d
