"""Flatten and Unflatten: rows are laid end to end, and a row is cut into rows again."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, ClassVar

from manim import Animation

from torchreel.scenes.shape import operators
from torchreel.scenes.shape.board import Element, ShapeBoard
from torchreel.scenes.shape.layout import DrawnPart
from torchreel.scenes.shape.trace import merged_axes, split_axes
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Token
from torchreel.scenes.trace.proof import Step

_LETTERS = "nchwdefgklmopq"
_SLOW = 3


class ShapeScene(OperatorScene):
    """One row slowly, then its neighbour, then the rest of a sample, then the next sample."""

    apart: ClassVar[str]

    def story(self) -> Iterator[Beat]:
        first, last = self._axes()
        self.part = part = DrawnPart.of(self.trace.shape(self.apart), first, last)
        self.board = board = ShapeBoard(self.look, self.trace, part, self.apart)
        self.add(board.scenery())
        if board.is_cropped:
            self.add(board.note(self.words("cropped", None, **self.values())))
        lines = [[(*line, col) for col in range(part.cols)] for line in part.lines()]
        yield Beat("start")
        for number, element in enumerate(lines[0][:_SLOW]):
            step = self._step(element)
            hold = 0.6 if number else 1.0
            yield Beat(
                "place", partial(board.write, element), 0.3, hold, step, look=partial(self.point_at, step)
            )
        if rest := lines[0][_SLOW:]:
            yield Beat("place", partial(self._write, rest), 0.3, 0.6, ())
        own = [line for line in lines[1:] if line[0][0] == 0]
        for line in own:
            yield Beat("next", partial(self._write, line), 0.4, 0.6, self.law())
        for sample in range(1, len(part.samples)):
            cells = [element for line in lines for element in line if element[0] == sample]
            yield Beat("sample", partial(self._write, cells), 0.4, 1.2, self.law())
        yield Beat("done", self._clear, 0.1)

    def figure(self) -> Step:
        """The second element of the last row of a sample: rows and planes before it count."""
        return self._step((0, len(self.part.planes) - 1, self.part.rows - 1, min(1, self.part.cols - 1)))

    def values(self) -> dict[str, object]:
        module: Any = self.trace.module
        first, last = self._axes()
        shape = self.trace.shape(self.apart)
        merged = shape[first : last + 1] or (1,)
        return {
            "count": math.prod(merged),
            "axes": len(merged),
            "dim": module.start_dim if self.apart == "input" else module.dim,
            "shape": self.trace.shape(self.apart),
        }

    def law(self) -> list[Token]:
        """`output` at `n, (c·2 + h)·3 + w` is `input` at `n, c, h, w`, or the other way round."""
        first, last = self._axes()
        shape = self.trace.shape(self.apart)
        letters = [_LETTERS[axis] if axis < len(_LETTERS) else "i" for axis in range(max(1, len(shape)))]
        flat = [
            *letters[:first],
            _horner(letters[first : last + 1], shape[first : last + 1]),
            *letters[last + 1 :],
        ]
        apart, merged = (f"_{{{', '.join(names)}}}" for names in (letters, flat))
        output, source = (merged, apart) if self.apart == "input" else (apart, merged)
        return [Token(f"output{output} = input{source}")]

    def formula_tokens(self, step: Step, most: int = 9) -> list[Token]:
        """`(1·2 + 0)·3 + 1 = 7:  y_{0,7} = x_{0,1,0,1} = 7`."""
        [source] = step.formula.refs()
        first, last = self._axes()
        apart, flat = (source.element, step.index) if self.apart == "input" else (step.index, source.element)
        merged = apart[first : last + 1]
        sum_ = _horner([str(at) for at in merged], self.trace.shape(self.apart)[first : last + 1])
        place = f"{sum_} = {flat[first]}:  " if len(merged) > 1 else ""
        heads = [self._head("output", step.index), Token(" = "), self._head("input", source.element)]
        value = Token(self.text("output", step.value), "output", step.index, step.value)
        return [Token(place), *heads, Token(" = "), value]

    def _head(self, tensor: str, index: tuple[int, ...]) -> Token:
        return Token(f"{self.trace.symbol(tensor)}_{{{','.join(map(str, index))}}}", tensor)

    def _axes(self) -> tuple[int, int]:
        return merged_axes(self.trace) if self.apart == "input" else split_axes(self.trace)

    def _step(self, element: Element) -> Step:
        return self.trace.step("output", self.board.index("output", element))

    def _write(self, elements: list[Element]) -> Iterable[Animation]:
        yield from self.leave()
        for element in elements:
            yield from self.board.write(element)

    def _clear(self) -> list[Animation]:
        self.leave()
        return []


def _horner(names: list[str], sizes: tuple[int, ...]) -> str:
    """The place in the order of several axes: `(c·2 + h)·3 + w`."""
    said = names[0] if names else "0"
    for name, size in zip(names[1:], sizes[1:], strict=True):
        inner = f"({said})" if "+" in said else said
        said = f"{inner}·{size} + {name}"
    return said


class Flatten(ShapeScene):
    operator = operators.Flatten
    apart = "input"


class Unflatten(ShapeScene):
    operator = operators.Unflatten
    apart = "output"
