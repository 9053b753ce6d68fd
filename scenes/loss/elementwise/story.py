"""How an element-wise loss is told: one element on its curve, one elsewhere, the others, then the reduction."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import ClassVar

from manim import Animation, VGroup

from torchreel.assets.captions import LANGUAGES
from torchreel.scenes.loss.elementwise.board import COMPUTED, Grow, LossPanel, LossTelling
from torchreel.scenes.loss.elementwise.graph import GraphNames
from torchreel.scenes.loss.elementwise.laws_trace import LAWS
from torchreel.scenes.loss.elementwise.trace import is_spread
from torchreel.scenes.loss.story import LossScene
from torchreel.scenes.parts.motion import Appear
from torchreel.scenes.parts.pointer import Pointer
from torchreel.scenes.parts.shapes import Path
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.trace import notation
from torchreel.scenes.trace.formula import Token
from torchreel.scenes.trace.proof import Step

_SLOW = 2
_FEW_CURVES = 3
"""So many curves have room for their laws beside them."""
_DIGITS = (3, 4, 6)
_PLACES = ("difference", "agreement", "p", "q")


class ElementwiseLoss(LossScene):
    """The frame of the story. A subclass says the law, the names at the graph and the moments of its elements."""

    most_told = _SLOW
    tells = ""
    names_laws = True
    """Whether the curves are few enough to have their laws written at them."""
    digits = _DIGITS[0]
    """So many significant digits have the numbers in the curves' names."""
    defines = ""
    """What a symbol of the law is, where there is room to say it."""
    heads: ClassVar[dict[str, str]] = {}
    """Names above columns that are no tensors of torch's call."""

    def formula(self) -> str:
        """The loss of one element, in names of tensors."""
        raise NotImplementedError

    def x_name(self) -> str:
        """What the x axis is, in symbols."""
        return self.trace.symbol(self.span.x)

    def height_name(self) -> str:
        """What the y axis is, in symbols."""
        return "h" if "unweighted" in self.trace.tensors else "ℓ"

    def curve_name(self, held: dict[str, float]) -> str:
        """The name of a curve; a single one needs none."""
        return ""

    def reference_name(self) -> str:
        """The name of the grey curve."""
        return ""

    def marks(self) -> list[tuple[float, str]]:
        """Places on the x axis with their names."""
        return []

    def moment(self, number: int) -> str:
        """The caption of an element: which piece of the law holds for it."""
        return "height"

    def cell_color(self, number: int) -> str | None:
        """The colour of an element's cell in the column that tells the curve, where it is not that of the curve."""
        return None

    def parts(self, number: int) -> Sequence[tuple[str, str]]:
        """Tensors that a loss is made of, each with its law, and at last the loss; empty where one suffices."""
        return ()

    def slow(self) -> list[int]:
        """The elements that are told in full: the first of each moment, and of a single one the second too.

        Finite losses come before others, those with a place in the graph before those outside it.
        """
        panel, firsts = self.panel, dict[str, int]()
        finite = [math.isfinite(panel.value("loss", number)) for number in range(panel.count)]
        every = sorted(range(panel.count), key=lambda number: (not finite[number], panel.is_beyond(number)))
        for number in every:
            if finite[number]:
                firsts.setdefault(self.moment(number), number)
        found = list(firsts.values())[: self.most_told]
        return found if len(found) > 1 else [*found, *(one for one in every if one not in found)][:2]

    def story(self) -> Iterator[Beat]:
        if 0 in self.trace.shape("loss"):
            yield from self.without_losses()
            return
        self.panel = self._panel()
        self.add(self.panel.scenery)
        if notes := list(self._notes()):
            self.add(self.panel.note("; ".join(notes)))
        self.pointed = VGroup()
        yield Beat("start")
        slow = self.slow()
        is_plain = len({self.moment(number) for number in slow}) == 1
        for number in slow:
            yield from self._told(number, is_plain and number == slow[0])
        for number in range(self.panel.count):
            if number not in slow:
                yield self._swept(number)
        yield from self._reduced()
        yield Beat("done_none" if self.module.reduction == "none" else "done", self._leave, 0.1)

    def _notes(self) -> Iterator[str]:
        """What the picture leaves out."""
        if self.panel.is_cropped:
            key = "spread" if is_spread(self.trace.shape("loss")) else "cropped"
            yield self.words(key, None, **self.values())
        if any(map(self.panel.is_beyond, range(self.panel.count))):
            yield self.words("beyond", None)

    @property
    def alt(self) -> dict[str, str]:
        """What the curve is, then what the reduction makes of the losses."""
        keys, between = ("alt", f"alt_{self.module.reduction}"), {"zh": "", "en": " "}
        return {
            lang: between[lang].join(self.words(key, lang, **self.values()) for key in keys)
            for lang in LANGUAGES
        }

    def law(self) -> list[Token]:
        """The loss of an element, then what the reduction makes of the losses, where there is room for both."""
        if 0 in self.trace.shape("loss"):
            return [Token(self.formula())]
        by = "" if "total" not in self.trace.tensors else f" / {self._divisor()}"
        reduced = f",   output = Σ loss{by}" if self.module.reduction != "none" else ""
        tried = ([Token(self.formula() + part + reduced)] for part in dict.fromkeys((self.defines, "")))
        return next((whole for whole in tried if self._fits(whole)), [Token(self.formula())])

    def figure(self) -> Step | None:
        """The most telling of the elements that were told, with its path over the curve."""
        if 0 in self.trace.shape("loss"):
            return self.trace.step("output", ())
        return self._step("loss", self.telling(self.slow()))

    def telling(self, slow: Sequence[int]) -> int:
        """The element of the last picture."""
        return slow[:_SLOW][-1]

    def pointing_at(self, step: Step) -> Pointer | None:
        """The lit path and the frames of an element, or the frames of a sum."""
        if 0 in self.trace.shape("loss"):
            return super().pointing_at(step)
        number = self._number(step)
        if number is None:
            return self.panel.sum_frames(step.tensor)
        parts = self._pointer(number, step.tensor)
        return VGroup(*parts, self.panel.path(number))

    def values(self) -> dict[str, object]:
        shape = self.trace.shape("loss")
        settings = ("beta", "delta", "margin", "eps")
        return {
            "shown": self.panel.count if hasattr(self, "panel") else 0,
            "count": math.prod(shape),
            "rows": shape[0] if shape else 1,
            **{name: f"{getattr(self.module, name):g}" for name in settings if hasattr(self.module, name)},
        }

    def _panel(self) -> LossPanel:
        self.span = LAWS[self.operator.name].drawn(self.module)
        held = self.span.curves(self.trace.tensors, self.trace.shape("loss"))[0]  # type: ignore[arg-type]
        self.names_laws = len(held) <= _FEW_CURVES
        curves = self._curve_names(held)
        names = GraphNames(self.x_name(), self.height_name(), curves, self.reference_name(), self.marks())
        heads = {"unweighted": "height", **self.heads}
        if self.module.reduction == "none":
            heads["loss"] = "output = loss"
        color = self.cell_color if self.cell_color(0) else None
        telling = LossTelling(names, heads, self.tells, color, self.parts)  # type: ignore[arg-type]
        return LossPanel(self.look, self.trace, self.span, self._reduction(), telling)

    def _curve_names(self, held: Sequence[dict[str, float]]) -> list[str]:
        """The names of the curves, with no more digits than tell them apart."""
        for self.digits in _DIGITS:
            names = [self.curve_name(one) for one in held]
            if len(set(names)) == len(names):
                break
        return names

    def _reduction(self) -> str:
        return "mean" if "total" in self.trace.tensors else str(self.module.reduction)

    def _told(self, number: int, apart: bool) -> Iterator[Beat]:
        """The element's place on the x axis, with words of its own if `apart`, its height there, and its weight."""
        panel, moment = self.panel, self.moment(number)
        for name in (one for one in _PLACES if panel.has(one)):
            step = self._step(name, number)
            look = partial(self._point, number, name)
            yield Beat(
                "place" if apart else moment,
                partial(panel.write, name, number),
                0.4,
                0.8,
                step,
                look=look,
            )
        height = self._step(panel.height, number)
        look = partial(self._light, number, panel.height)
        yield Beat(moment, partial(self._write, panel.height, number), 0.4, 1.0, height, look=look)
        if panel.height != "loss":
            loss = self._step("loss", number)
            look = partial(self._point, number, "loss")
            yield Beat(moment, partial(panel.write, "loss", number), 0.4, 0.8, loss, look=look)

    def _swept(self, number: int) -> Beat:
        step = self._step("loss", number)
        return Beat(
            "rest",
            partial(self._fill, number),
            0.6,
            0.2,
            step,
            look=partial(self._pass, number),
            sweep=True,
        )

    def _reduced(self) -> Iterator[Beat]:
        for name, grid in self.panel.results.items():
            step = self.trace.step(name, ())
            yield Beat(
                f"by_{self.module.reduction}",
                partial(grid.write, (0, 0)),
                0.4,
                1.0,
                step,
                look=partial(self._point_at, step),
            )

    # What moves.

    def _point(self, number: int, target: str) -> Iterable[Animation]:
        return self._instead(self._pointer(number, target))

    def _light(self, number: int, target: str) -> Iterable[Animation]:
        """The path grows from the element over its curve to its loss, which is framed."""
        corners, path = self.panel.way(number), self.panel.path(number)
        grown = [part for part in path if isinstance(part, Path)]
        others = (part for part in path if not isinstance(part, Path))
        moves = list(self._instead(VGroup(*self._pointer(number, target), *others)))
        self.pointed.add(*grown)
        return [*moves, *(Grow(part, corners) for part in grown)]

    def _pass(self, number: int) -> Iterable[Animation]:
        return self._instead(VGroup(*self._pointer(number, "loss"), self.panel.path(number)))

    def _point_at(self, step: Step) -> Iterable[Animation]:
        return self._instead(VGroup(*(self.pointing_at(step) or ())))

    def _instead(self, parts: VGroup) -> Iterable[Animation]:
        """What points now takes the place of what pointed before."""
        self.remove(self.pointed)
        self.pointed = parts
        return [Appear(self.pointed)] if len(self.pointed) else []

    def _pointer(self, number: int, target: str) -> VGroup:
        """Frames round a value and all that it was made of."""
        made, waiting = [target], [target]
        ruled = {rule.tensor for rule in self.trace.rules}
        while waiting:
            name = waiting.pop()
            for source, _ in self._step(name, number).reads if name in ruled else ():
                if source not in made:
                    made.append(source)
                    waiting.append(source)
        return self.panel.frames(number, made[1:], target)

    def _write(self, name: str, number: int) -> Iterable[Animation]:
        self.add(self.panel.mark(number))
        return self.panel.write(name, number)

    def _fill(self, number: int) -> Iterable[Animation]:
        self.add(self.panel.mark(number))
        names = (name for name in COMPUTED if self.panel.has(name))
        return [move for name in names for move in self.panel.write(name, number)]

    def _leave(self) -> Iterable[Animation]:
        return self._instead(VGroup())

    # What is said.

    def formula_tokens(self, step: Step, most: int = 9) -> list[Token]:
        """The law in symbols before its numbers, where there is room for both."""
        tokens = super(LossScene, self).formula_tokens(step, most)
        symbols = step.formula.symbols()
        if step.tensor == "total" or symbols == "".join(token.text for token in tokens[2:]):
            return tokens
        whole = [*tokens[:2], Token(symbols), Token(" = "), *tokens[2:]]
        return whole if self._fits(whole) else tokens

    def _fits(self, tokens: Sequence[Token]) -> bool:
        """Whether the formula bar has room for a formula as large as any."""
        return self.formula_bar.width(list(notation.respelled(self.trace, tokens))) <= 1

    def _divisor(self) -> str:
        return self.trace.step("output", ()).tokens(lambda name, value: "", 2)[-1].text

    def _number(self, step: Step) -> int | None:
        """The number of the row that a step fills; None for a sum."""
        if step.tensor not in COMPUTED:
            return None
        return next((k for k in range(self.panel.count) if self.panel.left.index(k) == step.index), None)

    def _step(self, name: str, number: int) -> Step:
        return self.trace.step(name, self.panel.left.index(number))
