"""Scenes in which values are read off a graph: what is lit for one element, and the beats it is told in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from manim import Animation, VGroup, VMobject

from torchreel.scenes.activation.curve.reading import ReadingBoard
from torchreel.scenes.parts.family import family
from torchreel.scenes.parts.motion import Appear
from torchreel.scenes.parts.places import Places
from torchreel.scenes.parts.pointer import Pointer
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace import notation
from torchreel.scenes.trace.formula import Token
from torchreel.scenes.trace.printed import says_the_same
from torchreel.scenes.trace.proof import Step


class ReadingScene(OperatorScene):
    """One element is lit at a time: its number, the way over the graph, its result."""

    board: ReadingBoard

    def set_up(self, board: ReadingBoard) -> None:
        """Everything that stands from the beginning comes on stage."""
        self.lit = VGroup()
        self.add(board.scenery)
        if notes := self.notes():
            self.add(board.note(" · ".join(notes)))

    def pointing_at(self, step: Step) -> Pointer | None:
        """Frames round the element and what it is made of, and the way between them over the graph."""
        places = Places(self.mobjects)
        target = places[(step.tensor, step.index)]
        if target is None:
            return None
        read_off = self.trace.step(self.board.read_off, step.index)
        sources = places.of([*step.reads, *read_off.reads])
        pointer = Pointer(self.look, target, sources, "")
        row = next((row for row in self.board.rows if self.board.index(row) == step.index), None)
        if row is None:
            return pointer
        lines = [part for part in pointer if getattr(part, "z_index", 0) < 0]
        pointer.remove(*lines)
        pointer.add(*self.board.inward(row), *self.board.outward(row))
        return pointer

    def formula_tokens(self, step: Step, most: int = 9) -> list[Token]:
        """`−2 ≤ 0:  y = 0.25·x = 0.25·(−2) = −0.5`: condition, rule and numbers, as far as there is room."""
        tokens = super().formula_tokens(step, most)
        tokens[0] = Token(self.trace.symbol(step.tensor), step.tensor)
        rule = Token(step.formula.symbols())
        spelled = "".join(piece.text for piece in notation.respelled(self.trace, [rule]))
        numbers = "".join(token.text for token in tokens[2:])
        whole = tokens
        if spelled and spelled != tokens[0].text and not says_the_same(spelled, numbers):
            whole = [tokens[0], Token(" = "), rule, *tokens[1:]]
        choices = ([*self.condition(step), *whole], whole)
        return next((one for one in choices if self.formula_bar.width(one) <= 1), tokens)

    def condition(self, step: Step) -> list[Token]:
        """Under which condition a step's formula holds."""
        return []

    def numbers_of(self, row: int) -> dict[str, object]:
        """What the captions of one element name."""
        return {}

    def notes(self) -> list[str]:
        """What the columns leave out, if anything."""
        table = self.board.table
        needed = {"sampled": table.is_sampled, "heat_map": not table.has_numbers}
        listed, count = len(table.slots), table.count
        return [self.words(key, listed=listed, count=count) for key, needs in needed.items() if needs]

    def _read(self, name: str, row: int) -> Beat:
        """One element slowly: its way to the curve, its formula, its value."""
        step, values = self._step(row), self.numbers_of(row)
        return Beat(
            name, partial(self._finish, row), 0.4, 1.0, step, values, look=partial(self._look_in, row)
        )

    def _gated(self, row: int) -> Iterator[Beat]:
        """One element slowly: what its gate is, then what the two give."""
        values, index = self.numbers_of(row), self.board.index(row)
        gate = self.trace.step("gate", index)
        yield Beat(
            "gate", partial(self._read_gate, row), 0.4, 1.0, gate, values, look=partial(self._look_in, row)
        )
        step = self._step(row)
        yield Beat("times", partial(self._finish, row), 0.4, 1.0, step, values, look=partial(self._join, row))

    def _step(self, row: int) -> Step:
        return self.trace.step("output", self.board.index(row))

    def _light(self, *parts: VMobject) -> list[Animation]:
        """These are lit, and no others."""
        self.remove(self.lit)
        self.lit = VGroup(*parts)
        return [Appear(self.lit)] if family([self.lit]) else []

    def _frames(self, step: Step, target: bool = True) -> list[VMobject]:
        """The frames of an element and of what it is made of, or of the latter alone."""
        places = Places(self.mobjects)
        read_off = self.trace.step(self.board.read_off, step.index)
        place, made_of = places[(step.tensor, step.index)], list(step.reads)
        if place is None:
            return []
        reads = places.of([*made_of, *read_off.reads] if made_of else [])
        pointer = Pointer(self.look, place, reads, "")
        frames = [part for part in pointer if getattr(part, "z_index", 0) >= 0]
        return frames if target else frames[:-1]

    def _look_in(self, row: int) -> list[Animation]:
        step = self.trace.step(self.board.read_off, self.board.index(row))
        drawn = self.board.write(row, "a")
        return [*self._light(*self._frames(step, target=False), *self.board.inward(row)), *drawn]

    def _read_gate(self, row: int) -> Iterable[Animation]:
        gate = self.trace.step("gate", self.board.index(row))
        return [
            self._more(*self.board.outward(row), *self._frames(gate)[-1:]),
            *self.board.write(row, "gate"),
        ]

    def _join(self, row: int) -> Iterable[Animation]:
        return [self._more(*self._frames(self._step(row), target=False))]

    def _finish(self, row: int) -> Iterable[Animation]:
        self.add(self.board.mark(row))
        parts = [*self.board.outward(row), *self._frames(self._step(row))]
        return [self._more(*parts), *self.board.write(row, "gate", "output")]

    def _more(self, *parts: VMobject) -> Animation:
        """Something more is lit."""
        self.lit.add(*parts)
        return Appear(*parts)

    def _cut(self, row: int) -> Iterable[Animation]:
        step = self._step(row)
        return self._light(*self.board.inward(row), *self.board.outward(row), *self._frames(step))

    def _write(self, row: int) -> Iterable[Animation]:
        self.add(self.board.mark(row))
        return self.board.write(row, "a", "gate", "output")

    def _leave(self) -> list[Animation]:
        self.remove(self.lit)
        return []
