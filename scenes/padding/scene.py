"""What the stories of all paddings share."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

from manim import Animation

from torchreel.scenes.padding.axes import Axis, axes_of, mode_of
from torchreel.scenes.parts.motion import Appear, Morph, Vanish
from torchreel.scenes.parts.shapes import Shape
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Token
from torchreel.scenes.trace.proof import Step

_KINDS = ("line", "plane", "block")


class PaddingScene(OperatorScene):
    """What all paddings say: their numbers, the law of their sizes, and which element each one copies."""

    focus: Shape

    @property
    def axes(self) -> list[Axis]:
        """The padded axes in torch's order, the last dimension first."""
        return axes_of(self._padding, self.trace.shape("input"))

    @property
    def mode(self) -> str:
        """How the border is filled."""
        return mode_of(self.operator.name)

    @property
    def kind(self) -> str:
        """Whether a line, a plane or a block is padded."""
        return _KINDS[min(len(self.axes), len(_KINDS)) - 1]

    def values(self) -> dict[str, object]:
        shape, out, dims = self.trace.shape("input"), self.trace.shape("output"), len(self.axes)
        return {
            "padding": str(self._padding).replace("-", "−"),
            "all": str(self._padding[0]).replace("-", "−"),
            "plane": " × ".join(map(str, shape[-dims:])),
            "out": " × ".join(map(str, out[-dims:])),
            "value": self.text("output", getattr(self.trace.module, "value", 0)),
        }

    def formula_tokens(self, step: Step, most: int = 4) -> list[Token]:
        """A copy has no arithmetic: the output's element is named with the element that it is."""
        if step.tensor != "output":
            return super().formula_tokens(step, most)
        ref = next(step.formula.refs())
        inside = ref.is_inside(self.trace.tensors)
        source = f"input{list(ref.element)}" if inside else "value"
        value = Token(self.text("output", step.value), "output", step.index, step.value)
        named = inside or "value" in self.trace.kwargs
        return [Token(f"output{list(step.index)} = " + (f"{source} = " if named else "")), value]

    def law(self) -> list[Token]:
        """How long the padded axes become."""
        sums = []
        for axis in reversed(self.axes):
            before, after = (f"({n})" if n < 0 else str(n) for n in (axis.before, axis.after))
            first, second = axis.sides
            named = f"{first} + {axis.letter} + {second} = " if len(self.axes) < 3 else ""
            sums.append(f"{axis.letter}: {named}{before} + {axis.size} + {after} = {axis.out}")
        return [Token("     ".join(sums).replace("-", "−"))]

    def sides_in_order(self) -> Iterator[Beat]:
        """The numbers of `padding` in order, each at its side."""
        same = isinstance(self.trace.kwargs.get("padding"), int)
        name = "order_all" if same else f"order_{self.kind}"
        given = [side for axis in self.axes for side in (axis.before, axis.after)]
        also = ("cut",) if min(given) < 0 else ()
        for number in range(len(given)):
            yield Beat(name, partial(self.name_side, number), 0.5 if len(given) < 6 else 0.4, 0.1, also=also)

    def name_side(self, number: int) -> list[Animation]:
        """One side is named, and what it adds or cuts off is marked."""
        raise NotImplementedError

    def distance(self, axis: Axis, at: int) -> int:
        """How far a border position lies outside the input."""
        return -at if at < 0 else at - axis.size + 1

    def hidden_planes(self, shown: int) -> bool:
        """Whether there are planes or volumes besides the one that is drawn; `shown` dimensions are."""
        return math.prod(self.trace.shape("input")[:-shown]) > 1

    def unfocus(self) -> list[Animation]:
        """The accent frame goes."""
        return [Vanish(self.focus)] if self.focus in self.mobjects else []

    def focused(self, path: Any) -> list[Animation]:
        """The accent frame goes round a path; paths of as many points morph."""
        if self.focus in self.mobjects and len(self.focus.points) == len(path):
            return [Morph(self.focus, path)]
        self.remove(self.focus)
        self.focus.points = path
        return [Appear(self.focus)]

    @property
    def _padding(self) -> tuple[int, ...]:
        module: Any = self.trace.module
        return tuple(module.padding)
