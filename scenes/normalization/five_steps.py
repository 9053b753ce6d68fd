"""Normalization layers: which elements form a set, and what torch makes of each with the set's statistics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import ClassVar

import numpy as np
from manim import Animation

from torchreel.scenes.normalization.board import NormBoard
from torchreel.scenes.normalization.cards import Card
from torchreel.scenes.normalization.stations import NormalizationSteps
from torchreel.scenes.normalization.trace import channel_axis
from torchreel.scenes.normalization.wording import NormalizationWords
from torchreel.scenes.parts.look import Stroke
from torchreel.scenes.parts.places import Place, Places
from torchreel.scenes.parts.pointer import Pointer
from torchreel.scenes.stage.beats import Beat, reading_time
from torchreel.scenes.trace.formula import Index, Token
from torchreel.scenes.trace.proof import Step

_SAME = 1e-3


class FiveSteps(NormalizationWords):
    """Mean, difference, variance and its root, quotient, affine map: over all sets that share statistics.

    `first` is the tensor that the variance is made of.
    """

    first: ClassVar[str] = "centered"

    def story(self) -> Iterator[Beat]:
        self.board = board = NormBoard(self.look, self.trace, self.sets, self.steps(), self._note)
        self.add(*board.objects())
        self.owners = board.arrangement.sets
        yield Beat(self.sets_key, run_time=0.1, hold=self._until_read)
        yield from self.tell()
        yield from self.remember()

    @property
    def _until_read(self) -> float:
        """How long law and sets stand before the first number comes: as long as the words about them."""
        return round(reading_time(self.words(self.sets_key), self.request.lang), 1)

    def tell(self) -> Iterator[Beat]:
        """The beats of the steps."""
        first = self.first
        if not self.frozen:
            yield from self.statistic(self.sets_key, ("mean",), "input")
        yield from self.elements(first, first)
        squares = ("std",) if self.frozen else ("var", "std")
        yield from self.statistic("std_eval" if self.frozen else "var", squares, first)
        yield from self.outputs()

    def outputs(self) -> Iterator[Beat]:
        """The quotient, and what weight and bias make of it."""
        if self.is_affine:
            yield from self.elements("normalized", "normalized")
            yield from self.elements(self.affine_key, "output")
        else:
            yield from self.elements("normalized", "output")

    def remember(self) -> Iterator[Beat]:
        """What to keep in mind."""
        key = f"done_{self.kind}_eval" if self.frozen else f"done_{self.kind}"
        if self.frozen or len(self.owners) < 2:
            yield Beat(key, run_time=0.3, look=self._all_lit)
            return
        yield Beat(key, run_time=0.1, hold=1.3, look=self._reach)
        yield Beat(key, self._all_lit, 0.2)

    def _all_lit(self) -> list[Animation]:
        return [*self.board.mark(), *self._lit(None)]

    def _lit(self, owners: Sequence[Index] | None) -> list[Animation]:
        names = ("input", self.board.steps.normalized or self.first)
        return [move for name in names for move in self.board.light(name, owners)]

    def _reach(self) -> list[Animation]:
        """A set as it comes in, or what one sample has of it, and what of the output changes with it."""
        board, owner = self.board, self.owners[0]
        shown = board.arrangement.shown[0]
        sample = shown - 1 if self.facts["across_samples"] and shown > 1 else None
        paths = [*board.around_set("input", owner, sample), *board.around_set("output", owner)]
        return [*board.mark(*paths), *self._lit([owner])]

    def law(self) -> Sequence[Token]:
        """The definition, with what the module has of weight and bias."""
        mean, var = ("running_mean", "running_var") if self.frozen else ("mean", "var")
        return self._law(f"(input − {mean}) / √({var} + {self._eps})")

    def figure(self) -> Step | None:
        """The largest result that is shown."""
        if not hasattr(self, "board"):
            return None
        arrangement = self.board.arrangement
        later = [one for one in arrangement.elements if arrangement.owners[one] != self.owners[0]]
        return self.trace.step("output", self._telling(later or arrangement.elements))

    def pointing_at(self, step: Step) -> Pointer | None:
        """The whole way of an element: the input and its set's statistics, the normalized value, the output."""
        places, board, texts = Places(self.mobjects), self.board, self._texts_between()
        by_place = step.index[-len(board.steps.axes) :] if board.by_place else ()
        middle_name = board.steps.normalized or self.first
        read = [(middle_name, step.index), *((name, by_place) for name in board.affine if board.by_place)]
        found = places.of(read)
        target, middle = places[("output", step.index)], places[(middle_name, step.index)]
        if target is None or middle is None:
            return None
        pointer = Pointer(self.look, target, found, middle_name, texts)
        pointer.add(Pointer(self.look, middle, places.of([("input", step.index)]), "input", texts))
        cards = (board.cards[board.arrangement.owners[step.index]], board.card_of_parameters(step.index))
        return pointer.add(*(board.frame(card.outline(), Stroke.SOURCE, 3) for card in cards if card))

    def _texts_between(self) -> list[Place]:
        """The texts that lines keep clear of: those on cards are in front of them."""
        cards = [*self.board.cards.values(), *(one for one in self.board.parameters if isinstance(one, Card))]
        edges = [(*card.outline()[:, :2].min(0), *card.outline()[:, :2].max(0)) for card in cards]
        return [
            text
            for text in self._standing_texts()
            if not any(
                left < text.left and text.right < right and low < text.bottom and text.top < high
                for left, low, right, high in edges
            )
        ]

    def main_source(self, step: Step) -> str:
        """What stands before the output."""
        return self.board.steps.normalized or self.first

    def steps(self) -> NormalizationSteps:
        """What stands on the board."""
        kept = self.frozen
        names = ("running_mean", "running_var") if kept else ("mean", "var")
        statistics = (*(name for name in names if name in self.trace.tensors), "std")
        axis = channel_axis(self.trace.module, len(self.trace.shape("input")))
        given = names if kept else ()
        return self._steps(statistics, given, (axis,), False)

    def _steps(
        self, statistics: tuple[str, ...], given: tuple[str, ...], axes: tuple[int, ...], by_place: bool
    ) -> NormalizationSteps:
        normalized = "normalized" if self.is_affine else ""
        said = {"normalized": self.quotient, "output": self._law_of_output()}
        return NormalizationSteps(self.first, normalized, statistics, given, axes, by_place, self.axes, said)

    def statistic(self, key: str, tensors: tuple[str, ...], source: str) -> Iterator[Beat]:
        """The first set's statistics with their formulas, the others set by set: one set lit, the others grey."""
        first = self.owners[0]
        for tensor in tensors:
            yield Beat(
                key, partial(self._write_line, tensor, first), 0.3, 0.5, self._step(tensor, first),
                look=partial(self._point_at_line, tensor, first, source),
            )  # fmt: skip
        for owner in self.owners[1:]:
            yield Beat(
                key, partial(self._write_lines, tensors, owner), 0.2, 0.5, sweep=True,
                formula=self._step(tensors[-1], owner), look=partial(self._light, source, owner),
            )  # fmt: skip

    def elements(self, key: str, tensor: str) -> Iterator[Beat]:
        """One element in full, then set by set."""
        first, at = self.owners[0], self._telling(self._members(self.owners[0]))
        yield Beat(
            key, partial(self._write, tensor, first, at), 0.3, 0.6, self.trace.step(tensor, at),
            look=partial(self._point_at, tensor, at),
        )  # fmt: skip
        for owner in self.owners:
            yield Beat(
                key, partial(self._write, tensor, owner, None), 0.2, 0.2, sweep=True,
                formula=self.trace.step(tensor, self._members(owner)[0]), look=self.board.mark,
            )  # fmt: skip

    def _telling(self, elements: Sequence[Index]) -> Index:
        """The element with the largest result, if there is one among those that weight and bias change."""
        values, before = (
            np.nan_to_num(self.trace.values(name, elements), nan=0.0, posinf=0.0, neginf=0.0)
            for name in ("output", "normalized")
        )
        changed = (np.abs(values - before) > _SAME) & (np.abs(before) > _SAME) & self.is_affine
        return elements[int(np.argmax(np.abs(values) / (np.abs(values).max() + 1.0) + changed))]

    def _members(self, owner: Index) -> list[Index]:
        """The shown elements of a set."""
        arrangement = self.board.arrangement
        return [one for one in arrangement.elements if arrangement.owners[one] == owner]

    def _step(self, tensor: str, owner: Index) -> Step:
        return self.trace.step(tensor, owner)

    def _light(self, source: str, owner: Index) -> list[Animation]:
        return [*self.board.mark(), *self.board.light(source, [owner])]

    def _point_at_line(self, tensor: str, owner: Index, source: str) -> list[Animation]:
        card = self.board.cards[owner]
        return [*self.board.mark(card.around(tensor)), *self.board.light(source, [owner])]

    def _write_line(self, tensor: str, owner: Index) -> list[Animation]:
        return self.board.cards[owner].write(tensor)

    def _write_lines(self, tensors: tuple[str, ...], owner: Index) -> list[Animation]:
        return [move for tensor in tensors for move in self.board.cards[owner].write(tensor)]

    def _point_at(self, tensor: str, at: Index) -> list[Animation]:
        """Frames go to an element, to what it is made of, and all sets are lit."""
        board, owner = self.board, self.board.arrangement.owners[at]
        source = "input" if tensor == self.first else self._dividend
        if tensor == "output" and self.is_affine:
            source = "normalized"
        middle = self.first
        if tensor == "normalized" and source == "input":
            self._make_room()
            middle = tensor
        paths = [board.around(tensor, at), board.around(source, at)]
        statistics = board.steps.statistics
        if tensor == self.first == "centered":
            paths.append(board.cards[owner].around(statistics[0]))
        elif tensor != self.first and source != "normalized":
            paths.append(board.cards[owner].around(statistics[-1]))
        if source == "normalized":
            paths += board.around_parameters(at)
        lit = ("input", middle) if source != "normalized" else ()
        return [*board.mark(*paths), *(move for name in lit for move in board.light(name))]

    @property
    def _dividend(self) -> str:
        return self.first

    def _write(self, tensor: str, owner: Index, at: Index | None) -> list[Animation]:
        if tensor == "normalized":
            self._make_room()
        return self.board.write(tensor, owner, at)

    def _make_room(self) -> None:
        """The middle block gets another name, so nothing stays in it that the name is not true of."""
        board = self.board
        if board.first_title in self.mobjects:
            self.remove(board.first_title, *board.covers())
            self.add(board.title_of("normalized"))
