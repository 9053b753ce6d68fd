"""Fractional max pooling: windows of one size whose starts a random number shifts, so that steps differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import pairwise

from manim import Animation

from torchreel.scenes.parts.motion import Appear, Fly, Move
from torchreel.scenes.parts.ruler import Ruler
from torchreel.scenes.pooling import operators
from torchreel.scenes.pooling.adaptive.fractional_trace import (
    SAMPLE,
)
from torchreel.scenes.pooling.adaptive.story import RuledPool
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.trace.formula import Index, Token

_SLOW_STARTS = 2


class _FractionalPool(RuledPool):
    """Evenly spaced points, shifted by the sample and rounded down, are where the windows start."""

    def windows_found(self) -> Iterator[Beat]:
        cols, *rows = self.board.rulers
        places = self._places(cols)
        yield Beat(
            "step", lambda: [Appear(cols.ticks())], 0.4, 1.2, self.trace.step(f"alpha_{cols.letter}", ())
        )
        at = (*cols.lead, min(1, len(places) - 1))
        yield Beat("sample", partial(self._shifted, cols), 0.5, 1.3, self.trace.step(f"p_{cols.letter}", at))
        if int(places[0]):
            by = -int(places[0]) * cols.step
            yield Beat("first", lambda: [Move(self.dots, by=(by, 0.0))], 0.6, 0.5)
        shown = cols.visible()
        for number in shown[:_SLOW_STARTS]:
            yield from self._in_steps(cols, number)
        if rest := shown[_SLOW_STARTS:]:
            step = self.trace.step(f"start_{cols.letter}", (*cols.lead, rest[-1]))
            yield Beat("starts", lambda: [*self.lit(), *self.bars(cols, rest)], 0.7, 0.8, step)
        for ruler in rows:
            last = self.trace.step(f"start_{ruler.letter}", (*ruler.lead, ruler.visible()[-1]))
            yield Beat("other_sample", partial(self._whole, ruler), 0.8, 0.8, last)
        if self.board.cover.is_volume:
            height = self.trace.step("p_H", (*cols.lead, 0))
            yield Beat("other_samples", self.lit, 0.3, 1.3, formula=height)

    def law(self) -> list[Token]:
        letter = self.board.rulers[0].letter
        return [
            Token(f"p_{letter} = (i + u)·alpha_{letter}     start_{letter} = ⌊p_{letter}⌋ − ⌊p0_{letter}⌋")
        ]

    def values(self) -> dict[str, object]:
        cover, letter = self.board.cover, self.board.rulers[0].letter
        axis = 0 if cover.is_volume else -1
        first = [end - start for start, end in cover.window((0,) * len(cover.axes))]
        steps = [b - a for (a, _), (b, _) in pairwise(cover.axes[axis])]
        others = [self._sample(other) for other in cover.letters if other != letter]
        return {
            **super().values(),
            "kernel": " × ".join(map(str, first)),
            "side": first[axis],
            "length": cover.sizes[axis],
            "count": cover.counts[axis],
            "alpha": self._drawn(f"alpha_{letter}", ()),
            "u": self._sample(letter),
            "other_u": others[0],
            "last_u": others[-1],
            "steps": ", ".join(map(str, steps)),
        }

    def _drawn(self, tensor: str, index: Index) -> str:
        return self.text(tensor, self.trace.value(tensor, index))

    def _sample(self, letter: str) -> str:
        """The first plane's sample of one axis."""
        letters = self.board.cover.letters
        return self._drawn("u", (0, 0, SAMPLE[len(letters)][letters.index(letter)]))

    def _places(self, ruler: Ruler) -> list[float]:
        return self.trace.values(f"p_{ruler.letter}", [(*ruler.lead, k) for k in range(len(ruler.windows))])

    def _shifted(self, ruler: Ruler) -> Iterable[Animation]:
        """The points where torch puts them; they are drawn on the ruler as far as it reaches."""
        self.dots = ruler.dots(f"p_{ruler.letter}", self._places(ruler))
        return [Appear(self.dots)]

    def _in_steps(self, ruler: Ruler, number: int) -> Iterator[Beat]:
        """One point falls onto its cell, where a window starts."""
        start, end = ruler.windows[number]
        values: dict[str, object] = {
            "start": start,
            "end": end,
            "place": self._drawn(f"p_{ruler.letter}", (*ruler.lead, number)),
        }
        step = self.trace.step(f"start_{ruler.letter}", (*ruler.lead, number))
        yield Beat("down", partial(self._fall, ruler, number), 0.7, 0.7, step, values)

    def _fall(self, ruler: Ruler, number: int) -> Iterable[Animation]:
        bar = ruler.bar(number)
        self.drawn[ruler.letter, number] = bar
        places = self._places(ruler)
        at = ruler.at(min(places[number] - int(places[0]), ruler.shown), ruler.head)
        return [Fly(bar, start=at), *self.lit((ruler.letter, number)), *self.labelled(ruler, number)]

    def _whole(self, ruler: Ruler) -> Iterable[Animation]:
        places = self._places(ruler)
        dots = ruler.dots(f"p_{ruler.letter}", places, int(places[0]))
        return [*self.lit(), Appear(ruler.ticks(), dots), *self.bars(ruler, ruler.visible())]


class FractionalMaxPool2d(_FractionalPool):
    operator = operators.FractionalMaxPool2d


class FractionalMaxPool3d(_FractionalPool):
    operator = operators.FractionalMaxPool3d
