"""The stage on which every operator plays: title, formula, caption, progress, pacing, and the record of what was shown.

A subclass declares its `operator` and tells its `story` as a list of beats. Beats are known before the first is played,
so the clip's length, its progress line and its sections need no second pass. `OperatorScene` is an ordinary Manim
scene: `manim render scenes/convolution/conv.py Conv2d` draws the default example in the language and theme of the
environment (`TORCHREEL_LANG`, `TORCHREEL_THEME`).
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

from manim import Animation, VGroup

from torchreel.assets.captions import LANGUAGES, caption, is_said, title
from torchreel.assets.examples import DEFAULT, Example, example, examples
from torchreel.assets.themes import theme
from torchreel.scenes.parts.family import bounds, family
from torchreel.scenes.parts.look import Look
from torchreel.scenes.parts.motion import Appear
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.places import Places
from torchreel.scenes.parts.pointer import Pointer
from torchreel.scenes.parts.shapes import Shape
from torchreel.scenes.stage import bars
from torchreel.scenes.stage.backstage import Backstage
from torchreel.scenes.stage.beats import BEFORE_VALUE, CLOSING, LOOK, Beat, paced
from torchreel.scenes.trace import notation
from torchreel.scenes.trace.formula import Index, Token
from torchreel.scenes.trace.operator import Operator, constructor_parameters
from torchreel.scenes.trace.printed import printing, written
from torchreel.scenes.trace.proof import Step, Trace

_HAIR = 1e-6
_LARGE = 1e4


@dataclass(frozen=True)
class Request:
    """Which clip to draw: the proved call, the example whose words it uses, language, theme, decimals."""

    trace: Trace
    example: Example
    lang: str = "zh"
    theme: str = "light"
    precision: int = 2


@dataclass(frozen=True)
class Shown:
    """A number on stage: its text, the element it is, and its box (left, bottom, right, top, scene units)."""

    text: str
    tensor: str
    index: Index
    value: float
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class Section:
    """One beat as shown: name, start and end (seconds), caption in every language, numbers in sight at its end.

    `focus` is the element that it explains, as `(tensor, index)`.
    """

    name: str
    start: float
    end: float
    caption: dict[str, str]
    numbers: tuple[Shown, ...]
    focus: tuple[str, Index] | None = None


def _focus(step: Step | None) -> tuple[str, Index] | None:
    return None if step is None else (step.tensor, step.index)


class OperatorScene(Backstage):
    """A clip of one operator. Subclasses set `operator` and write `story`."""

    operator: ClassVar[Operator]

    def __init__(self, request: Request | None = None, **manim: Any) -> None:
        self.request = request or self._default_request()
        self.sections: list[Section] = []
        super().__init__(**manim)

    def story(self) -> Iterable[Beat]:
        """The beats of the clip; whatever they need on stage is built here."""
        raise NotImplementedError

    def wait(self, duration: float = CLOSING, *args: Any, **kwargs: Any) -> None:
        """Hold the picture. Manim cuts a wait to whole frames after a division; a hair more keeps the last one."""
        super().wait(duration + _HAIR, *args, **kwargs)

    def _has_values(self) -> bool:
        outputs = [self.trace.shape(name) for name in self.trace.outputs]
        return not outputs or any(math.prod(shape) for shape in outputs)

    def _empty(self) -> Iterable[Beat]:
        """An empty batch has a shape and nothing to compute."""
        shapes = ", ".join(f"{name} {self.trace.shape(name)}" for name in self.trace.outputs)
        return [Beat("empty", hold=4.0, values={"shapes": shapes})]

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

    def setup(self) -> None:
        self.look = Look(theme(self.request.theme), self.request.precision)
        self.camera.background_color = self.look.theme.background
        self.formula_bar = bars.FormulaBar(self.look)
        self.progress = Shape(bars.progress_points(0), fill=self.look.theme.accent)
        self._formula = VGroup()
        self._caption = VGroup()
        self._said = ""
        self.figure_time = 0.0
        name = title(self.operator.name, self.request.lang)
        self.add(bars.TitleBar(self.look, name, self.call()), self.formula_bar, self.progress)

    def construct(self) -> None:
        beats = list(self.story() if self._has_values() else self._empty())
        captions = [self._sentences(beat, self.request.lang) for beat in beats]
        beats, closing = paced(beats, captions, self.request.lang)
        total = sum(beat.duration for beat in beats) + LOOK + closing
        self._show_law()
        for beat in beats:
            self._play_beat(beat, total)
        self._close(closing)

    def law(self) -> Sequence[Token]:
        """The formula of every output element, in symbols; it stands in the bar while no numbers do."""
        if not self.trace.outputs or not self._has_values():
            return ()
        name = self.trace.outputs[0]
        step = self.trace.step(name, (0,) * len(self.trace.rule(name).over or self.trace.shape(name)))
        return [Token(f"{name} = {step.formula.symbols()}")]

    def figure(self) -> Step | None:
        """The element that the last picture explains: framed in source and result, with its formula in the bar."""
        return None

    def main_source(self, step: Step) -> str:
        """The tensor from which the figure's lines lead to the result: the first that the formula reads."""
        return next((name for name, _ in step.reads), "")

    def words(self, key: str, lang: str | None = None, **values: object) -> str:
        """A text of this clip in the given language, by default the clip's."""
        lang = lang or self.request.lang
        operator = self.operator.name
        # The user's settings may need a sentence that only another example has.
        tellers = (self.told_as, self.example.name, *examples()[operator])
        teller = next((name for name in tellers if is_said(operator, name, key, lang)), self.example.name)
        return caption(operator, teller, key, lang, **values)

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

    def _defaults(self) -> dict[str, Any]:
        """torch's default of each constructor argument that has one."""
        module = self.operator.module
        parameters = {} if module is None else constructor_parameters(module)
        return {name: one.default for name, one in parameters.items() if one.default is not one.empty}

    @property
    def alt(self) -> dict[str, str]:
        """What the clip shows, for readers who cannot see it, in every language."""
        return {lang: self.words("alt", lang) for lang in LANGUAGES}

    def call(self) -> list[tuple[str, bool]]:
        """The constructor call as pieces of text, each with whether it matters to this example."""
        pieces: list[tuple[str, bool]] = [(f"nn.{self.operator.name}(", False)]
        for number, (name, value) in enumerate(self.trace.kwargs.items()):
            pieces.append((", " if number else "", False))
            pieces.append((f"{name}={value!r}", name in self.example.focus))
        pieces.append((")", False))
        for name, value in self.trace.call.items():
            pieces += [("  ", False), (f"{name}={tuple(value) if isinstance(value, list) else value}", True)]
        return pieces

    def text(self, tensor: str, value: float) -> str:
        """A value of a tensor as drawn."""
        return self.look.written(value, self.trace.range(tensor))

    def formula_tokens(self, step: Step, most: int = 9) -> list[Token]:
        """`y_{0,1} = numbers = value`, with as many decimals as add up and the middle cut until it fits the bar."""
        printed = printing(step, self.request.precision)

        def text(tensor: str, value: float) -> str:
            return self._printed(tensor, value, printed.decimals)

        head = notation.head(self.trace, step.tensor, step.index)
        last = Token(text(step.tensor, step.value), step.tensor, step.index, step.value)
        for count in range(most, 1, -1):
            numbers = step.tokens(text, count)
            if "".join(one.text for one in numbers) == last.text:
                return [head, Token(" = "), last]
            tokens = [head, Token(" = "), *numbers, Token(f" {printed.sign} "), last]
            if self.formula_bar.width(tokens) <= 1:
                break
        return tokens

    def _printed(self, tensor: str, value: float, decimals: int) -> str:
        if not math.isfinite(value) or abs(value) >= _LARGE or 0 < abs(value) < 0.5 * 10**-decimals:
            return self.text(tensor, value)
        return written(value, decimals)

    def _play_beat(self, beat: Beat, total: float) -> None:
        start = self.time
        texts = {lang: self._sentences(beat, lang) for lang in LANGUAGES}
        self._say(texts[self.request.lang])
        self.progress.points = bars.progress_points(min(1.0, (start + beat.duration) / total))
        if beat.lead:
            self.wait(beat.lead)
        self._look(beat)
        self._compute(beat)
        animations = self._timed(beat.animate(), beat.run_time)
        if animations:
            self.play(*animations)
        if rest := beat.hold + (0.0 if animations else beat.run_time):
            self.wait(rest)
        self._end_section(Section(beat.name, start, self.time, texts, (), _focus(beat.explains)))

    def _look(self, beat: Beat) -> None:
        """Where we look comes first; what stood in the bar spoke of something else and makes room for the law."""
        if beat.look is None:
            return
        if not beat.sweep or beat.formula is not None:
            self._show_law()
        moves = self._timed(beat.look(), LOOK)
        if beat.sweep:
            self._finish(moves)
        elif moves:
            self.play(*moves)
        else:
            self.wait(LOOK)

    def _compute(self, beat: Beat) -> None:
        """Then the formula, with its numbers, before the value is there."""
        if beat.formula is None:
            return
        if isinstance(beat.formula, Step):
            if beat.sweep:
                self._show_law()
                return
            self._show_formula(self.formula_tokens(beat.formula))
            self.wait(BEFORE_VALUE)
        else:
            self._show_formula(beat.formula)

    def _timed(self, animations: Iterable[Animation], run_time: float) -> list[Animation]:
        made = list(animations)
        for animation in made:
            animation.run_time = run_time
        return made

    def _finish(self, animations: Iterable[Animation]) -> None:
        """Animations as cuts: their ends, at once."""
        for animation in animations:
            animation._setup_scene(self)
            animation.begin()
            animation.finish()
            animation.clean_up_from_scene(self)

    def _close(self, closing: float) -> None:
        """The figure: one element framed in source and result with its formula, and time to look at it."""
        step = self.figure() if self._has_values() else None
        section = self.sections.pop()
        pointer = None if step is None else self.pointer(step)
        if step is not None and pointer is not None:
            self._show_law()
            self.play(Appear(pointer, run_time=LOOK))
            self._show_formula(self.formula_tokens(step))
        else:
            self.wait(LOOK)
        self.progress.points = bars.progress_points(1.0)
        self.figure_time = self.time
        self.wait(closing)
        self._end_section(replace(section, end=self.time, focus=_focus(step) or section.focus))

    def pointer(self, step: Step) -> Pointer | None:
        """Frames round an element and what it is made of, as they stand on stage now; None where it is not drawn."""
        places = Places(self.mobjects)
        target = places[(step.tensor, step.index)]
        if target is None:
            return None
        return Pointer(self.look, target, places.of(step.reads), self.main_source(step))

    def _sentences(self, beat: Beat, lang: str) -> str:
        values = {**(self.values() if self._has_values() else {}), **beat.values}
        between = "" if lang == "zh" else " "
        return between.join(self.words(key, lang, **values) for key in (beat.name, *beat.also))

    def _say(self, text: str) -> None:
        if self._said == text:
            return
        self.remove(self._caption)
        self._caption, self._said = bars.caption_row(self.look, text), text
        self.add(self._caption)

    def _show_law(self) -> None:
        self._show_formula(self.law())

    def _show_formula(self, tokens: Sequence[Token]) -> None:
        self.remove(self._formula)
        self._formula = self.formula_bar.row(list(notation.respelled(self.trace, tokens)), self.trace.role)
        self.add(self._formula)

    def _end_section(self, section: Section) -> None:
        self.sections.append(replace(section, numbers=tuple(self._numbers())))

    def _numbers(self) -> Iterator[Shown]:
        numbers = [
            mobject
            for mobject in family(self.mobjects)
            if isinstance(mobject, Number) and len(mobject.points) and mobject.fill_rgbas[0, 3] > 0
        ]
        for number, box in zip(numbers, bounds(numbers), strict=True):
            yield Shown(number.text, number.tensor, number.index, number.value, box)

    @classmethod
    def _default_request(cls) -> Request:
        chosen = example(cls.operator.name)
        trace = cls.operator.trace_example(chosen)
        env = os.environ
        return Request(trace, chosen, env.get("TORCHREEL_LANG", "zh"), env.get("TORCHREEL_THEME", "light"))
