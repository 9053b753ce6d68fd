"""Dropout: while training, a random mask zeroes elements or whole channels, and what is left grows to make up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

from manim import Animation

from torchreel.scenes.dropout import operators
from torchreel.scenes.dropout.board import DropoutBoard, Place
from torchreel.scenes.dropout.trace import SATURATION, affine, channel_axis, is_alpha
from torchreel.scenes.parts.places import Places
from torchreel.scenes.parts.pointer import Pointer
from torchreel.scenes.parts.shapes import Path
from torchreel.scenes.stage.beats import Beat, runs
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Index, Token
from torchreel.scenes.trace.proof import Step

_MOST_STEPS = 12


class _Dropout(OperatorScene):
    """The mask falls, one kept and one dropped element are worked out, the others follow; without a mask all pass."""

    def story(self) -> Iterator[Beat]:
        axis = channel_axis(self.module, len(self.trace.shape("input")))
        self.board = DropoutBoard(self.look, self.trace, axis, self._signs(), self._note)
        self.add(self.board.scenery)
        return self._masked() if self.has_mask else self._passed()

    @property
    def module(self) -> Any:
        """The traced module."""
        return self.trace.module

    @property
    def has_mask(self) -> bool:
        """Whether torch drew a mask: not in evaluation, nor with p = 0."""
        return "mask" in self.trace.tensors

    def call(self) -> list[tuple[str, bool]]:
        """The constructor call, and that the module was set to eval mode."""
        return [*super().call(), *([] if self.module.training else [(".eval()", True)])]

    def values(self) -> dict[str, object]:
        p = float(self.module.p)
        return {"p": self.look.said(p), "keep": self.look.said(1 - p)}

    def law(self) -> Sequence[Token]:
        if not self.has_mask:
            return [Token("output = input")]
        p = float(self.module.p)
        if p == 1:
            return [Token("output = input·mask")]
        if not is_alpha(self.module):
            return [Token(f"output = input·mask / (1 − {p:g})")]
        scale, shift = affine(p)
        return [Token(f"output = {scale:.2f}·filled + {shift:.2f}")]

    def figure(self) -> Step | None:
        """An element that is kept, if there is one."""
        places = self._telling(list(self.board.places()))
        return self._step(places[0])

    def main_source(self, step: Step) -> str:
        return "filled" if "filled" in self.trace.tensors else "mask" if self.has_mask else "input"

    def pointing_at(self, step: Step) -> Pointer | None:
        """Where there is a mask, the whole way of an element is lit, and the signs stand in its line."""
        if not self.has_mask or step.tensor not in ("filled", "output"):
            return super().pointing_at(step)
        places = Places(self.staged)
        at, target = self._place(step.index), places[(step.tensor, step.index)]
        if at is None or target is None:
            return None
        self.board.at_row(at, kept=self.trace.value("mask", step.index) > 0)
        made = dict(self.board.made_of(at))
        if "filled" in self.trace.tensors and step.tensor == "output":
            made["filled"] = step.index
        names = list(made)
        sources = {name: [place] for name in names if (place := places[(name, made[name])])}
        texts = self._standing_texts()
        pointer = Pointer(self.look, target, sources)
        for name, following in pairwise([*names, step.tensor]):
            if name in sources:
                end = target if following == step.tensor else sources[following][0]
                lines = Pointer(self.look, end, {name: sources[name]}, name, texts)
                pointer.add(*(one for one in lines if isinstance(one, Path)))
        return pointer

    def selects(self, tensor: str, index: Index) -> list[tuple[str, Index]]:
        """What is filled in, or multiplied by a channel's one number, is said by the mask."""
        if not self.has_mask or tensor not in ("filled", "output"):
            return []
        at = self._place(index)
        return [] if at is None else self.board.made_of(at)

    def _signs(self) -> dict[str, list[str]]:
        p = float(self.module.p)
        if not self.has_mask:
            return {"input": ["="]}
        if not is_alpha(self.module):
            return {"input": ["×"], "mask": ["=" if p == 1 else f"÷ {1 - p:g} ="]}
        if p == 1:
            return {"input": ["×"], "mask": ["="]}
        scale, shift = affine(p)
        return {
            "input": [],
            "mask": ["1 → x", f"0 → {SATURATION:.2f}".replace("-", "−")],
            "filled": [f"× {scale:.2f} + {shift:.2f} ="],
        }

    def _note(self, shown: int, total: int, heat: bool) -> str:
        """How much is left out, and that colours stand for numbers."""
        cropped = [self.words("cropped", shown=shown, total=total)] if shown < total else []
        return " · ".join([*cropped, *([self.words("heat_map")] if heat else [])])

    def _masked(self) -> Iterator[Beat]:
        board, places = self.board, list(self.board.places())
        yield Beat("start")
        for rows in runs(range(board.mask_rows), 4):
            yield Beat("fall", partial(self._fall, rows), 0.5, sweep=True)
        if "filled" in self.trace.tensors:
            filled = self.trace.step("filled", board.index(self._telling(places)[-1]))
            look = partial(self.point_at, filled)
            yield Beat("fill", partial(self._write, "filled", places), 0.4, 0.6, look=look, focus=filled)
        shown = self._telling(places)
        for place in shown:
            key = "keep" if self.trace.value("mask", board.index(place)) > 0 else "drop"
            step = self._step(place)
            look = partial(self.point_at, step)
            yield Beat(key, partial(self._write, "output", [place]), 0.4, 1.0, step, look=look)
        yield from self._swept("done", [place for place in places if place not in shown])
        yield Beat("done", self.leave, 0.1)

    def _passed(self) -> Iterator[Beat]:
        """Evaluation, or p = 0: everything goes through as it is."""
        places = list(self.board.places())
        yield Beat("start_never" if self.module.training else "start_eval")
        step = self._step(places[0])
        look = partial(self.point_at, step)
        yield Beat("pass", partial(self._write, "output", places[:1]), 0.4, 0.8, step, look=look)
        yield from self._swept("pass", places[1:])
        yield Beat("done_eval", self.leave, 0.1)

    def _telling(self, places: Sequence[Place]) -> list[Place]:
        """An element that is kept and one that is dropped, where there are both; of several not a zero."""
        kinds: dict[bool, Place] = {}
        by_size = sorted(places, key=lambda place: not self.trace.value("input", self.board.index(place)))
        for place in by_size if self.has_mask else places[:1]:
            kept = not self.has_mask or self.trace.value("mask", self.board.index(place)) > 0
            kinds.setdefault(kept, place)
        return [kinds[kept] for kept in (True, False) if kept in kinds]

    def _swept(self, key: str, places: Sequence[Place]) -> Iterator[Beat]:
        for run in runs(places, _MOST_STEPS):
            step = self._step(run[-1])
            written = partial(self._write, "output", run)
            yield Beat(key, written, 0.4, look=partial(self.point_at, step), sweep=True, focus=step)

    def _place(self, index: Index) -> Place | None:
        """Where an element is drawn, if it is."""
        return next((one for one in self.board.places() if self.board.index(one) == index), None)

    def _step(self, place: Place) -> Step:
        return self.trace.step("output", self.board.index(place))

    def _fall(self, rows: Sequence[int]) -> list[Animation]:
        return [move for row in rows for move in self.board.mask(row)]

    def _write(self, name: str, places: Sequence[Place]) -> list[Animation]:
        return [move for place in places for move in self.board.write(name, place)]


class Dropout(_Dropout):
    operator = operators.Dropout


class Dropout1d(_Dropout):
    operator = operators.Dropout1d


class Dropout2d(_Dropout):
    operator = operators.Dropout2d


class Dropout3d(_Dropout):
    operator = operators.Dropout3d


class AlphaDropout(_Dropout):
    operator = operators.AlphaDropout


class FeatureAlphaDropout(_Dropout):
    operator = operators.FeatureAlphaDropout
