"""Adaptive pooling: only the output's size is given, and the windows follow from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from torchreel.scenes.parts.sheet import Position
from torchreel.scenes.pooling import operators
from torchreel.scenes.pooling.adaptive.story import MOST_TERMS, RuledPool
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.trace.formula import Token
from torchreel.scenes.trace.proof import Step

_ROUNDED = {"start": ("⌊", "⌋"), "end": ("⌈", "⌉")}


class _AdaptivePool(RuledPool):
    """Each axis is cut into equal parts, the cuts are rounded outwards, and the cells between them are a window."""

    def window_found(self, position: Position) -> Iterator[Beat]:
        assert self.board is not None
        main, letter = self.board.ruled(position)[0], self.board.rulers[0].letter
        cut = self.trace.step(f"cut_{letter}", (1,))
        heads = partial(self.heads, (letter, 1))
        yield Beat("cut", heads, 0.5, 0.5, cut, look=self.make_room)
        number = main[1]
        first, last = self._cuts(letter)[number : number + 2]
        start, end = self.board.rulers[0].windows[number]
        values: dict[str, object] = {
            "low": self.text(f"cut_{letter}", first), "high": self.text(f"cut_{letter}", last),
            "start": start, "end": end,
        }  # fmt: skip
        name = "whole_part" if (first, last) == (start, end) else "outwards"
        steps = [self.trace.step(f"{side}_{letter}", (number,)) for side in ("start", "end")]
        yield Beat(name, tuple, 0.4, 0.6, steps[0], values, look=partial(self.board.light, [main]))
        yield Beat(name, partial(self.first_bar, main), 0.4, 0.6, steps[1], values)

    def formula_tokens(self, step: Step, most: int = MOST_TERMS) -> list[Token]:
        """Between the product and the window's end stands the cut that is rounded, as the ruler shows it."""
        tokens, (end, _, letter) = super().formula_tokens(step, most), step.tensor.partition("_")
        if end not in _ROUNDED or not letter:
            return tokens
        index = (step.index[-1] + (end == "end"),)
        cut, drawn = (
            self.trace.value(f"cut_{letter}", index),
            self.text(f"cut_{letter}", self._cuts(letter)[index[0]]),
        )
        floor, ceil = _ROUNDED[end]
        if cut == int(cut) or not abs(float(drawn) - step.value) < 1 or float(drawn) == int(float(drawn)):
            return tokens
        rounded = [Token(f" = {floor}"), Token(drawn, f"cut_{letter}", index, cut), Token(ceil)]
        return [*tokens[:-2], *rounded, *tokens[-2:]]

    def interval(self, axis: int, out: str, read: str) -> str:
        assert self.board is not None
        sizes, counts = (sides[-len(self.board.cover.letters) :] for sides in self._sides)
        size, count = sizes[axis], counts[axis]
        ends = _ratio(size, count, out), _ratio(size, count, f"({out} + 1)")
        low, high = ends if count == 1 or size % count == 0 else (f"⌊{ends[0]}⌋", f"⌈{ends[1]}⌉")
        return f"{low} ≤ {read} < {high}"

    def merit(self, position: Position) -> tuple[Any, ...]:
        """How many ends of its window were really rounded."""
        assert self.board is not None
        rounded = 0
        letters, own = self.board.cover.letters, position[-len(self.board.cover.letters) :]
        for letter, number in zip(letters, own, strict=True):
            rounded += sum(cut != int(cut) for cut in self._cuts(letter)[number : number + 2])
        return (rounded, *super().merit(position))

    @property
    def _sides(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        assert self.board is not None
        return self.board.cover.sizes, self.board.cover.counts

    def _cuts(self, letter: str) -> Sequence[float]:
        name = f"cut_{letter}"
        return self.trace.values(name, [(k,) for k in range(self.trace.shape(name)[0])])


def _ratio(size: int, count: int, factor: str) -> str:
    """`size / count` times a letter, in the smallest numbers."""
    if size % count == 0:
        whole = size // count
        return factor if whole == 1 else f"{whole}{factor}"
    return f"{size}{factor} / {count}"


class AdaptiveMaxPool1d(_AdaptivePool):
    operator = operators.AdaptiveMaxPool1d


class AdaptiveMaxPool2d(_AdaptivePool):
    operator = operators.AdaptiveMaxPool2d


class AdaptiveAvgPool1d(_AdaptivePool):
    operator = operators.AdaptiveAvgPool1d


class AdaptiveAvgPool2d(_AdaptivePool):
    operator = operators.AdaptiveAvgPool2d


class AdaptiveMaxPool3d(_AdaptivePool):
    operator = operators.AdaptiveMaxPool3d


class AdaptiveAvgPool3d(_AdaptivePool):
    operator = operators.AdaptiveAvgPool3d
