"""Adaptive pooling: only the output's size is given, and the windows follow from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from manim import Animation

from torchreel.scenes.parts.motion import Appear, Morph
from torchreel.scenes.parts.ruler import Ruler
from torchreel.scenes.parts.shapes import Shape
from torchreel.scenes.pooling import operators
from torchreel.scenes.pooling.adaptive.story import RuledPool
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.trace.formula import Token

_SLOW_PARTS = 2


class _AdaptivePool(RuledPool):
    """Each axis is cut into equal parts, the cuts are rounded outwards, and the cells between them are a window."""

    def windows_found(self) -> Iterator[Beat]:
        cols, *rows = self.board.rulers
        step, small = self.trace.step(f"cut_{cols.letter}", (1,)), self.reading("cropped", "heat")
        yield Beat("cut", partial(self._cut, cols), 0.5, 1.3, step, also=small)
        shown = cols.visible()
        for number in shown[:_SLOW_PARTS]:
            yield from self._in_steps(cols, number)
        if rest := shown[_SLOW_PARTS:]:
            end = self.trace.step(f"end_{cols.letter}", (rest[-1],))
            yield Beat("parts", partial(self._finish, cols, rest), 0.7, 0.4, end)
        for ruler in rows:
            end = self.trace.step(f"end_{ruler.letter}", (ruler.visible()[-1],))
            yield Beat("other_axis", partial(self._whole, ruler), 0.8, 0.7, end)
        if self.board.cover.is_volume:
            yield Beat("other_axes", self.lit, 0.3, 1.1, formula=self.trace.step("end_H", (0,)))

    def law(self) -> list[Token]:
        letter = self.board.rulers[0].letter
        symbols = [self.trace.step(f"{end}_{letter}", (0,)).formula.symbols() for end in ("start", "end")]
        return [Token(f"start_{letter} = {symbols[0]}     end_{letter} = {symbols[1]}")]

    def values(self) -> dict[str, object]:
        cover = self.board.cover
        cut = f"cut_{self.board.rulers[0].letter}"
        axis = 0 if cover.is_volume else -1
        own = {
            "length": cover.sizes[axis],
            "count": cover.counts[axis],
            "part": self.text(cut, self.trace.value(cut, (1,))),
        }
        return {**super().values(), **own, "size": str(self.trace.kwargs.get("output_size"))}

    def ending(self) -> str:
        """How the windows lie to one another: one for all, repeated, side by side or overlapping."""
        cover = self.board.cover
        pairs = list(zip(cover.sizes, cover.counts, strict=True))
        if all(count == 1 for _, count in pairs):
            return "global"
        if any(count > size for size, count in pairs):
            return "repeated"
        return "exact" if all(size % count == 0 for size, count in pairs) else "overlap"

    def _cut(self, ruler: Ruler) -> Iterable[Animation]:
        """The cells counted, and the length in equal parts."""
        return [Appear(ruler.ticks()), Appear(ruler.parts(f"cut_{ruler.letter}", self._cuts(ruler)))]

    def _cuts(self, ruler: Ruler) -> Sequence[float]:
        name = f"cut_{ruler.letter}"
        return self.trace.values(name, [(k,) for k in range(self.trace.shape(name)[0])])

    def _in_steps(self, ruler: Ruler, number: int) -> Iterator[Beat]:
        """One part is taken down; then its start is rounded down and its end up."""
        start, end = ruler.windows[number]
        first, last = self._cuts(ruler)[number : number + 2]
        bar = ruler.calm(ruler.part(first, last))
        cut = f"cut_{ruler.letter}"
        values: dict[str, object] = {
            "low": self.text(cut, first), "high": self.text(cut, last), "start": start, "end": end
        }  # fmt: skip
        exact = (first, last) == (start, end)
        yield Beat(
            "whole_part" if exact else "take_part",
            lambda: self._move(bar, ruler, number, first, last, exact), 0.6, 0.5,
            self.trace.step(f"start_{ruler.letter}", (number,)), values,
        )  # fmt: skip
        if not exact:
            step = self.trace.step(f"end_{ruler.letter}", (number,))
            yield Beat(
                "outwards", lambda: self._move(bar, ruler, number, start, end, True), 0.8, 0.8, step, values
            )

    def _move(
        self, bar: Shape, ruler: Ruler, number: int, start: float, end: float, done: bool
    ) -> Iterable[Animation]:
        """A bar goes to its lane over some cells; once it is done it says its interval."""
        key = ruler.letter, number
        self.drawn.setdefault(key, bar)
        if bar not in self.mobjects:
            self.add(bar)
        moves = [Morph(bar, ruler.lane_box(number, start, end)), *self.lit(key)]
        return [*moves, *self.labelled(ruler, number)] if done else moves

    def _finish(self, ruler: Ruler, numbers: Sequence[int]) -> Iterable[Animation]:
        return [*self.lit(), *self.bars(ruler, numbers)]

    def _whole(self, ruler: Ruler) -> Iterable[Animation]:
        return [*self.lit(), *self._cut(ruler), *self.bars(ruler, ruler.visible())]


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
