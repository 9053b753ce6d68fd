"""What a clip says: its words, what of them is true of this call, its title's call and its formulas."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from torchreel.assets.captions import LANGUAGES, caption, is_said, title
from torchreel.assets.examples import DEFAULT, Example, example, examples
from torchreel.assets.themes import theme
from torchreel.scenes.parts.look import Look
from torchreel.scenes.stage import bars
from torchreel.scenes.stage.backstage import Backstage
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.trace import notation
from torchreel.scenes.trace.formula import Token
from torchreel.scenes.trace.functions import Spelling
from torchreel.scenes.trace.operator import Operator, constructor_parameters
from torchreel.scenes.trace.printed import printing, says_the_same, written
from torchreel.scenes.trace.proof import Step, Trace

_LARGE = 1e4
# By these a picture says that it does not show the whole call.
IN_PART = {"corner", "cropped", "cut", "drawn", "drawn_part", "left_out", "left_out_middle", "one_plane"}
IN_PART |= {"one_sample", "part", "sample", "sampled", "slopes", "spread"}


@dataclass(frozen=True)
class Request:
    """Which clip to draw: the proved call, the example whose words it uses, language, theme, decimals.

    `spelling` is how the caller spells the operator, where that is not `nn.` and its class: a function by its name, and
    the arguments it takes.
    """

    trace: Trace
    example: Example
    lang: str = "zh"
    theme: str = "light"
    precision: int = 2
    spelling: Spelling | None = None


class Telling(Backstage):
    """A scene that knows which call it draws and how to speak of it."""

    operator: ClassVar[Operator]

    def __init__(self, request: Request | None = None, **manim: Any) -> None:
        self.request = request or self._default_request()
        self._in_part: dict[str, None] = {}
        self.look = Look(theme(self.request.theme), self.request.precision)
        self.formula_bar = bars.FormulaBar(self.look)
        super().__init__(**manim)

    def has_values(self) -> bool:
        """Whether there is an element to compute; an empty batch has none."""
        outputs = [self.trace.shape(name) for name in self.trace.outputs]
        return not outputs or any(math.prod(shape) for shape in outputs)

    @cached_property
    def facts(self) -> Mapping[str, bool]:
        """What is true of the call, for captions that claim it."""
        return self.operator.facts(self.trace)

    def values(self) -> dict[str, object]:
        """What every caption of the clip may name; a beat's own values come on top."""
        return {}

    @property
    def trace(self) -> Trace:
        """The proved call that is drawn."""
        return self.request.trace

    @property
    def example(self) -> Example:
        """The example that is drawn."""
        return self.request.example

    def words(self, key: str, lang: str | None = None, **values: object) -> str:
        """A text of this clip in the given language, by default the clip's."""
        lang = lang or self.request.lang
        operator = self.operator.name
        # The user's settings may need a sentence that only another example has.
        tellers = (self.told_as, self.example.name, *examples()[operator])
        teller = next((name for name in tellers if is_said(operator, name, key, lang)), self.example.name)
        text = caption(operator, teller, key, lang, self.facts, **values)
        if key in IN_PART and lang == self.request.lang:
            self._in_part[text] = None
        return text

    @cached_property
    def told_as(self) -> str:
        """The example whose words are spoken: its own, unless the user's settings undo what it is about.

        Then, and of the default, it is the example that the settings have made of it.
        """
        own, settings, defaults = self.example, self.trace.kwargs, self._defaults()
        if own.name != DEFAULT and own.tells_of(settings, defaults):
            return own.name
        named = examples()[self.operator.name].values()
        made = (one.name for one in named if one.name != own.name and one.comes_of(settings, defaults, own))
        return next(made, DEFAULT)

    def _required(self) -> list[str]:
        """The constructor arguments without a default, in order."""
        module = self.operator.module
        parameters = {} if module is None else constructor_parameters(module)
        return [name for name, one in parameters.items() if one.default is one.empty]

    def _defaults(self) -> dict[str, Any]:
        """torch's default of each constructor argument that has one."""
        module = self.operator.module
        parameters = {} if module is None else constructor_parameters(module)
        return {name: one.default for name, one in parameters.items() if one.default is not one.empty}

    @property
    def alt(self) -> dict[str, str]:
        """What the clip shows, for readers who cannot see it, in every language."""
        return {lang: self.words("alt", lang) for lang in LANGUAGES}

    @property
    def title(self) -> dict[str, str]:
        """The operator's plain name, in every language."""
        return {lang: title(self.operator.name, lang) for lang in LANGUAGES}

    @property
    def call_text(self) -> str:
        """The call as the title writes it."""
        return "".join(text for text, _ in self.call())

    @property
    def about(self) -> tuple[str, ...]:
        """The arguments that the words spoken are about."""
        named = examples()[self.operator.name]
        return named.get(self.told_as, self.example).focus

    def call(self) -> list[tuple[str, bool]]:
        """The constructor call as pieces of text, each with whether it matters to what is told.

        Required arguments that it is not about are given in order, without their names.
        """
        spelled, shown = self.request.spelling, self.trace.kwargs
        name = spelled.name if spelled else f"nn.{self.operator.name}"
        pieces: list[tuple[str, bool]] = [(f"{name}(", False)]
        in_order = [] if spelled else [name for name in self._required() if name in shown]
        if spelled:
            shown = {name: value for name, value in shown.items() if name in spelled.takes and name != "bias"}
        for number, (name, value) in enumerate(shown.items()):
            named = name in self.about or in_order[number : number + 1] != [name]
            in_order = [] if named else in_order
            pieces.append((", " if number else "", False))
            pieces.append((f"{name}={value!r}" if named else repr(value), name in self.about))
        pieces.append((")", False))
        for name, value in self.trace.call.items():
            pieces += [("  ", False), (f"{name}={_argument(value)}", True)]
        return pieces

    def ink(self, piece: Token) -> str:
        """The colour of a piece of a formula: that of the cells it comes from."""
        theme = self.look.theme
        return theme.text if piece.tensor is None else theme.role(self.trace.role(piece.tensor))

    def text(self, tensor: str, value: float) -> str:
        """A value of a tensor as drawn."""
        return self.look.written(value, self.trace.range(tensor))

    def formula_tokens(self, step: Step, most: int = 9) -> list[Token]:
        """`y_{0,1} = numbers = value`, with as many decimals as add up and the middle cut until it fits the bar.

        Where a logarithm or a quotient of what is rounded to 0 would be infinite, small numbers are powers of ten.
        """
        printed = printing(step, self.request.precision)

        def text(tensor: str, value: float) -> str:
            return self._printed(tensor, value, printed.decimals)

        def told(tensor: str, value: float) -> str:
            plain = text(tensor, value)
            lost = value != 0 and says_the_same(plain, "0")
            return self.look.number(value, scale=abs(value)) if lost else plain

        head = notation.head(self.trace, step.tensor, step.index)
        last = Token(text(step.tensor, step.value), step.tensor, step.index, step.value)
        for count in range(most, 1, -1):
            numbers = step.tokens(text, count)
            if says_the_same("".join(one.text for one in numbers), last.text):
                return [head, Token(" = "), last]
            numbers = step.tokens(told, count) if printed.needs_small else numbers
            tokens = [head, Token(" = "), *numbers, Token(f" {printed.sign} "), last]
            if self.formula_bar.width(tokens) <= 1:
                break
        return tokens

    def _printed(self, tensor: str, value: float, decimals: int) -> str:
        if not math.isfinite(value) or abs(value) >= _LARGE or 0 < abs(value) < 0.5 * 10**-decimals:
            return self.text(tensor, value)
        return written(value, decimals)

    def _sentences(self, beat: Beat, lang: str) -> str:
        values = {**(self.values() if self.has_values() else {}), **beat.values}
        between = "" if lang == "zh" else " "
        return between.join(self.words(key, lang, **values) for key in (beat.name, *beat.also))

    @classmethod
    def _default_request(cls) -> Request:
        chosen = example(cls.operator.name)
        trace = cls.operator.trace_example(chosen)
        env = os.environ
        return Request(trace, chosen, env.get("TORCHREEL_LANG", "zh"), env.get("TORCHREEL_THEME", "light"))


def _argument(value: Any) -> str:
    """An argument of forward in one line: tensors by their shapes, what has no literal by its type."""
    if isinstance(value, (tuple, list)) and not hasattr(value, "_fields"):
        return f"({', '.join(map(_argument, value))}{',' if len(value) == 1 else ''})"
    if isinstance(getattr(value, "shape", None), tuple):
        return f"tensor {tuple(value.shape)}"
    text = str(value)
    return type(value).__name__ if "\n" in text or hasattr(value, "_fields") else text
