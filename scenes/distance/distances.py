"""Distances of two vectors: the cosine of the angle between them, and the norm of their difference."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

from manim import Animation, VGroup

from torchreel.scenes.distance import operators
from torchreel.scenes.distance.board import Dial, PairsBoard, Readings
from torchreel.scenes.distance.ladder import Ladder
from torchreel.scenes.distance.trace import VectorRows
from torchreel.scenes.parts.motion import Appear
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.places import Places
from torchreel.scenes.parts.pointer import Pointer
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Token, number_text
from torchreel.scenes.trace.proof import Step

_SLOW = 3
_SYMBOLS = ("u", "v")
_READ = {"dot": "u·v", "norm_1": "‖u‖", "norm_2": "‖v‖"}


class _Distance(OperatorScene):
    """The first pair of vectors step by step, the others at once; the last picture is that of the first pair again."""

    foot = math.inf
    """Where the line at the foot of the stage ends at the latest."""

    def story(self) -> Iterator[Beat]:
        tensors: Any = self.trace.tensors
        self.board = PairsBoard(
            self.look, self.trace, VectorRows.of(tensors["x1"], tensors["x2"], self.dim())
        )
        self.drawn = VGroup()
        if notes := self._left_out():
            self.add(self.board.note(notes, self.foot))
        self.add(self.board.scenery(), *self.before(0))
        yield Beat("start")
        yield from self.in_full(0)
        for row in range(1, len(self.board.results)):
            step, swept = self.step("output", row), row >= _SLOW
            look = partial(self._in_brief, row)
            write = partial(self.board.write, row)
            yield Beat("done", write, 0.4, 0.0 if swept else 0.6, step, look=look, sweep=swept)
        yield Beat("done", look=self._last, run_time=0.3)

    def dim(self) -> int:
        """The dimension that vectors lie along."""
        return -1

    def before(self, row: int) -> list[VGroup]:
        """What stands beside the vectors of a row before anything is computed of them."""
        return []

    def in_full(self, row: int) -> Iterator[Beat]:
        """A row step by step."""
        raise NotImplementedError

    def drawing(self, row: int) -> VGroup:
        """What leads from a row's vectors to its result, all of it."""
        raise NotImplementedError

    def figure(self) -> Step | None:
        return self.step("output", 0)

    def pointing_at(self, step: Step) -> Pointer | None:
        """Both vectors are framed too, of which what the formula reads was made."""
        places = Places(self.mobjects)
        row = self.board.results.index(step.index[: len(self.board.results[0])])
        target, sources = places[(step.tensor, step.index)], places.of(self.board.vectors(row))
        return None if target is None else Pointer(self.look, target, sources)

    def step(self, tensor: str, row: int) -> Step:
        """The step of a row's element of a tensor of the result's shape."""
        index = self.board.output_index(row) if tensor == "output" else self.board.results[row]
        return self.trace.step(tensor, index)

    def number(self, tensor: str, row: int, size: float, color: str) -> Number:
        """A row's element of a tensor as a number on stage."""
        step = self.step(tensor, row)
        return self.board.number(tensor, step.index, size, color, value=step.value)

    def point(self, row: int) -> list[Animation]:
        """The pointer is at a row."""
        return self.point_at(self.step("output", row))

    def draw(self, part: VGroup) -> list[Animation]:
        """A part of what leads to the result appears."""
        self.drawn.add(part)
        return [Appear(part)]

    def _in_brief(self, row: int) -> list[Animation]:
        self.remove(self.drawn)
        self.drawn = self.drawing(row)
        self.add(self.drawn)
        return self.point(row)

    def _last(self) -> list[Animation]:
        if len(self.board.results) > 1:
            self._in_brief(0)
        self.remove(self.marked)
        return []

    def _left_out(self) -> str:
        board, pairs = self.board, math.prod(self.board.rows.result)
        counts = {
            "pairs": pairs,
            "rows": len(board.results),
            "length": board.rows.length,
            "numbers": board.cols,
        }
        needed = {
            "some_pairs": counts["rows"] < pairs,
            "some_numbers": board.cols < board.rows.length,
            "heat_map": not board.has_numbers,
        }
        return " · ".join(self.words(key, None, **counts) for key, needs in needed.items() if needs)


class CosineSimilarity(_Distance):
    """Dot product and lengths give the cosine, which is the shadow of one direction on the other."""

    operator = operators.CosineSimilarity
    foot = -0.2

    def dim(self) -> int:
        module: Any = self.trace.module
        return int(module.dim)

    def law(self) -> list[Token]:
        return [Token("output = dot / (norm_1·norm_2)")]

    def in_full(self, row: int) -> Iterator[Beat]:
        def shown(name: str, place: int, key: str, first: bool = False) -> Beat:
            part = partial(self._read_off, name, row, place)
            look = partial(self.point, row) if first else None
            return Beat(key, part, 0.3, 0.6, self.step(name, row), look=look, focus=self.step("output", row))

        yield shown("dot", 0, "dot", first=True)
        yield shown("norm_1", 1, "lengths")
        yield shown("norm_2", 2, "lengths")
        yield Beat("divide", partial(self._divide, row), 0.4, 0.8, self.step("output", row))
        yield Beat("angle", partial(self._turn, row), 0.4, 1.0)

    def drawing(self, row: int) -> VGroup:
        readings = [self._reading_of(name, row, place) for place, name in enumerate(_READ)]
        return VGroup(*readings, self._readings(row).signs(), self._dial(row))

    def before(self, row: int) -> list[VGroup]:
        """The directions of two vectors that have one."""
        if not self._points_somewhere(row):
            return []
        self.drawn.add(Dial(self.look).directions(self._degrees(row), _SYMBOLS))
        return [self.drawn]

    def _points_somewhere(self, row: int) -> bool:
        lengths = [self.step(name, row).value for name in ("norm_1", "norm_2")]
        return all(0 < length < math.inf for length in lengths)

    def _divide(self, row: int) -> list[Animation]:
        return [*self.draw(self._readings(row).signs()), *self.board.write(row)]

    def _degrees(self, row: int) -> float:
        value = self.step("angle", row).value
        return value if math.isfinite(value) else 0.0

    def _read_off(self, name: str, row: int, place: int) -> list[Animation]:
        return self.draw(self._reading_of(name, row, place))

    def _reading_of(self, name: str, row: int, place: int) -> VGroup:
        readings = self._readings(row)
        return readings.reading(self.number(name, row, readings.size, self.look.theme.text), place)

    def _readings(self, row: int) -> Readings:
        texts = [self.text(name, self.step(name, row).value) for name in _READ]
        return Readings(self.look, list(_READ.values()), texts)

    def _turn(self, row: int) -> list[Animation]:
        return self.draw(self._dial(row, is_new=not self._points_somewhere(row)))

    def _dial(self, row: int, is_new: bool = True) -> VGroup:
        """The dial at a row's angle, with the angle and its cosine; if it is not new the directions stand already."""
        dial, degrees = Dial(self.look), self._degrees(row)
        directions = dial.directions(degrees, _SYMBOLS)
        text = self.look.theme.text
        numbers = [self.number(name, row, 0.3, text) for name in ("angle", "output")]
        read = [dial.shadow, dial.drop, dial.opening, dial.labels(degrees, numbers, ("θ =", "cos θ ="))]
        return VGroup(*([directions] if is_new else []), *read)


class PairwiseDistance(_Distance):
    """Differences, their powers, the sum and the root stand one under another beside the vectors."""

    operator = operators.PairwiseDistance

    def values(self) -> dict[str, object]:
        module: Any = self.trace.module
        return {"p": number_text(float(module.norm))}

    def law(self) -> list[Token]:
        module: Any = self.trace.module
        p = self.values()["p"]
        difference = "x1 − x2 + ε" if module.eps else "x1 − x2"
        if "power" not in self.trace.tensors:
            return [Token(f"output = ‖{difference}‖_{{{p}}}")]
        if module.norm == 1:
            return [Token(f"output = Σ |{difference}|")]
        inside = f"Σ |{difference}|^{{{p}}}"
        return [Token(f"output = √({inside})" if module.norm == 2 else f"output = ({inside})^{{1/{p}}}")]

    def before(self, row: int) -> list[VGroup]:
        """The rungs of the ladder, still empty."""
        module: Any = self.trace.module
        eps = number_text(module.eps) if module.eps else ""
        self.ladder = Ladder(self.look, self.trace, self.board, str(self.values()["p"]), eps)
        return [self.ladder.steps(self.board.results[row])]

    def in_full(self, row: int) -> Iterator[Beat]:
        first = self.ladder.first(self.board.results[row])
        for name in self.ladder.names():
            shown = self.step(name, row) if name == "total" else self.trace.step(name, first)
            look = partial(self.point, row) if name == "diff" else None
            rung, focus = partial(self._rung, name, row), self.step("output", row)
            yield Beat(name, rung, 0.4, 0.8, shown, look=look, focus=focus)
        key = "root" if "power" in self.trace.tensors else "choose"
        yield Beat(key, partial(self._conclude, row), 0.4, 0.8, self.step("output", row))

    def drawing(self, row: int) -> VGroup:
        return VGroup(*(self.ladder.rung(name, row) for name in self.ladder.names()), self._joined(row))

    def _conclude(self, row: int) -> list[Animation]:
        return [*self.draw(self._joined(row)), *self.board.write(row)]

    def _joined(self, row: int) -> VGroup:
        """The wire from the last of what is computed to the result, and its sign."""
        module: Any = self.trace.module
        p, d = float(module.norm), self.trace.symbol("diff")
        if "total" in self.trace.tensors:
            s = self.trace.symbol("total")
            sign = {1.0: "=", 2.0: f"√{s}"}.get(p, f"{s}^{{1/{self.values()['p']}}}")
            return self.ladder.joined(row, "total", sign)
        named = {math.inf: f"max |{d}|", -math.inf: f"min |{d}|"}
        return self.ladder.joined(row, "diff", named.get(p, f"‖{d}‖"))

    def _rung(self, name: str, row: int) -> list[Animation]:
        return self.draw(self.ladder.rung(name, row))
