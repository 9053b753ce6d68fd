"""The stage on which every operator plays: title, formula, caption, progress, pacing, and the record of what was shown.

A subclass declares its `operator` and tells its `story` as a list of beats. Beats are known before the first is played,
so the clip's length, its progress line and its sections need no second pass. `OperatorScene` is an ordinary Manim
scene: `manim render scenes/convolution/conv.py Conv2d` draws the default example in the language and theme of the
environment (`TORCHREEL_LANG`, `TORCHREEL_THEME`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from manim import Animation, Mobject, VGroup

from torchreel.assets.captions import LANGUAGES
from torchreel.scenes.parts.family import bounds, family
from torchreel.scenes.parts.mathtext import MathText
from torchreel.scenes.parts.motion import Appear
from torchreel.scenes.parts.number import Number
from torchreel.scenes.parts.places import Place, Places, labels_of
from torchreel.scenes.parts.pointer import Pointer
from torchreel.scenes.parts.shapes import Shape
from torchreel.scenes.parts.text import Text
from torchreel.scenes.stage import bars
from torchreel.scenes.stage.beats import BEFORE_VALUE, CLOSING, LOOK, Beat, paced
from torchreel.scenes.stage.empty import EmptyBoard
from torchreel.scenes.stage.telling import Request, Telling
from torchreel.scenes.trace import notation
from torchreel.scenes.trace.formula import Index, Token
from torchreel.scenes.trace.proof import Step

_HAIR = 1e-6


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

    `focus` is the element that it explains, as `(tensor, index)`, `formula` the text of the formula bar at its end and
    `computed` the element whose numbers stand there, if any do; from `settled` (seconds) on nothing moves, and the
    numbers are all in sight.
    """

    name: str
    start: float
    end: float
    caption: dict[str, str]
    numbers: tuple[Shown, ...]
    focus: tuple[str, Index] | None = None
    formula: str = ""
    computed: tuple[str, Index] | None = None
    settled: float = 0.0


@dataclass(frozen=True)
class Said:
    """What changed in the bars: a `caption`, a `law` or a formula with `numbers`, when (seconds), and its text."""

    kind: str
    time: float
    text: str


def _focus(step: Step | None) -> tuple[str, Index] | None:
    return None if step is None else (step.tensor, step.index)


class OperatorScene(Telling):
    """A clip of one operator. Subclasses set `operator` and write `story`.

    `sections` are the beats as they were shown, `cues` the times (seconds) at which a caption began, in any
    language.
    """

    def __init__(self, request: Request | None = None, **manim: Any) -> None:
        super().__init__(request, **manim)
        self.sections: list[Section] = []
        self.cues: list[float] = []
        self.said: list[Said] = []
        self.left_out: list[str] = []

    def story(self) -> Iterable[Beat]:
        """The beats of the clip; whatever they need on stage is built here."""
        raise NotImplementedError

    def wait(self, duration: float = CLOSING, *args: Any, **kwargs: Any) -> None:
        """Hold the picture. Manim cuts a wait to whole frames after a division; a hair more keeps the last one."""
        super().wait(duration + _HAIR, *args, **kwargs)

    def _empty(self) -> Iterable[Beat]:
        """An empty batch has a shape and nothing to compute."""
        self.add(EmptyBoard(self.look, self.trace).picture())
        return [Beat("empty", hold=4.0)]

    def setup(self) -> None:
        self.camera.background_color = self.look.theme.background
        self.progress = Shape(bars.progress_points(0), fill=self.look.theme.accent)
        self._formula = VGroup()
        self._caption = VGroup()
        self._said = self._written = ""
        self._computed: Step | None = None
        self.figure_time = 0.0
        self.marked = VGroup()
        name = self.title[self.request.lang]
        self.add(bars.TitleBar(self.look, name, self.call()), self.formula_bar, self.progress)

    def construct(self) -> None:
        beats = list(self.story() if self.has_values() else self._empty())
        captions = [self._sentences(beat, self.request.lang) for beat in beats]
        beats, closing = paced(beats, captions, self.request.lang)
        total = sum(beat.duration for beat in beats) + LOOK + closing
        self._show_law()
        for beat in beats:
            self._play_beat(beat, total)
        self._close(closing)

    def law(self) -> Sequence[Token]:
        """The formula of every output element, in symbols; it stands in the bar while no numbers do."""
        if not self.trace.outputs or not self.has_values():
            return ()
        name = self.trace.outputs[0]
        step = self.trace.step(name, (0,) * len(self.trace.rule(name).over or self.trace.shape(name)))
        return [Token(f"{name} = {step.formula.symbols()}")]

    def figure(self) -> Step | None:
        """The element that the last picture explains: framed in source and result, with its formula in the bar."""
        return None

    def selects(self, tensor: str, index: Index) -> Iterable[tuple[str, Index]]:
        """Elements that say what an element is made of and are no operands, such as ids and targets."""
        return ()

    def main_source(self, step: Step) -> str:
        """The tensor from which the figure's lines lead to the result: the first that the formula reads."""
        return next((name for name, _ in step.reads), "")

    @property
    def lines_go_down(self) -> bool:
        """Whether the figure's lines lead from one row to another below it, however far aside their ends are."""
        return False

    def _play_beat(self, beat: Beat, total: float) -> None:
        start = self.time
        texts = {lang: self._sentences(beat, lang) for lang in LANGUAGES}
        if not self.sections or self.sections[-1].caption != texts:
            self.cues.append(start)
        self._say(texts[self.request.lang])
        self.progress.points = bars.progress_points(min(1.0, (start + beat.duration) / total))
        if beat.lead:
            self.wait(beat.lead)
        self._look(beat)
        self._compute(beat)
        animations = self._timed(beat.animate(), beat.run_time)
        if animations:
            self.play(*animations)
        settled = self.time
        if rest := beat.hold + (0.0 if animations else beat.run_time):
            self.wait(rest)
        focus = _focus(beat.explains)
        self._end_section(Section(beat.name, start, self.time, texts, (), focus, settled=settled))

    def _look(self, beat: Beat) -> None:
        """Where we look comes first; what stood in the bar spoke of something else and makes room for the law."""
        if beat.look is None:
            return
        self._show_law()
        moves = self._timed(beat.look(), LOOK)
        if beat.sweep:
            self._cut_to(moves)
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
            self._show_formula(self.formula_tokens(beat.formula), beat.formula)
            self.wait(BEFORE_VALUE)
        else:
            self._show_formula(beat.formula)

    def _timed(self, animations: Iterable[Animation], run_time: float) -> list[Animation]:
        made = list(animations)
        for animation in made:
            animation.run_time = run_time
        return made

    def _cut_to(self, animations: Iterable[Animation]) -> None:
        """Animations as cuts: their ends, at once."""
        for animation in animations:
            animation._setup_scene(self)
            animation.begin()
            animation.finish()
            animation.clean_up_from_scene(self)

    def _close(self, closing: float) -> None:
        """The figure: one element framed in source and result with its formula, and time to look at it."""
        step = self.figure() if self.has_values() else None
        section = self.sections.pop()
        pointer = None if step is None else self.pointing_at(step)
        if step is not None and pointer is not None:
            self._show_law()
            self.play(Appear(pointer, run_time=LOOK))
            self._show_formula(self.formula_tokens(step), step)
        else:
            self.wait(LOOK)
        self.progress.points = bars.progress_points(1.0)
        self.figure_time = self.time
        self.left_out = self._left_in_words()
        self.wait(closing)
        focus = _focus(step) or section.focus
        self._end_section(replace(section, end=self.time, focus=focus, settled=self.figure_time))

    def pointing_at(self, step: Step) -> Pointer | None:
        """Frames round an element and what it is made of, as they stand on stage now; None where it is not drawn."""
        places = Places(self.staged)
        target = places[(step.tensor, step.index)]
        if target is None:
            return None
        return Pointer(
            self.look, target, places.of(step.reads), self.main_source(step), self._standing_texts(),
            self.lines_go_down,
        )  # fmt: skip

    def point_at(self, step: Step) -> list[Animation]:
        """The pointer leaves what was computed last and is at what a step reads and writes."""
        self.remove(self.marked)
        self.marked = self.pointing_at(step) or VGroup()
        return [Appear(self.marked)] if len(self.marked) else []

    def leave(self) -> list[Animation]:
        """The pointer goes."""
        self.remove(self.marked)
        return []

    @property
    def staged(self) -> list[Mobject]:
        """What stands on the stage itself: formula and caption speak of elements, they are not their places."""
        return [one for one in self.mobjects if one is not self._formula and one is not self._caption]

    def _left_in_words(self) -> list[str]:
        """What the picture or a caption says it does not show of the call."""
        texts = [part.text for part in family(self.mobjects) if isinstance(part, (Text, MathText))]
        texts += [said.text for said in self.said if said.kind == "caption"]
        return [words for words in self._in_part if any(words in text for text in texts)]

    def _standing_texts(self) -> list[Place]:
        """Where the texts of the stage stand that are no numbers in cells."""
        return labels_of(self.staged)

    def _say(self, text: str) -> None:
        if self._said == text:
            return
        self.remove(self._caption)
        self._caption, self._said = bars.caption_row(self.look, text), text
        self.add(self._caption)
        self.said.append(Said("caption", self.time, text))

    def _show_law(self) -> None:
        self._show_formula(self.law())

    def _show_formula(self, tokens: Sequence[Token], step: Step | None = None) -> None:
        """Put a formula into the bar, with the numbers of a `step` or without."""
        self._computed = step
        pieces = list(notation.respelled(self.trace, tokens))
        self.remove(self._formula)
        self._formula = self.formula_bar.row(pieces, self.ink)
        self.add(self._formula)
        text, kind = "".join(piece.text for piece in pieces), "law"
        self._written = text
        if any(piece.value is not None for piece in pieces):
            kind = "numbers"
        if not self.said or (self.said[-1].kind, self.said[-1].text) != (kind, text):
            self.said.append(Said(kind, self.time, text))

    def _end_section(self, section: Section) -> None:
        computed = _focus(self._computed)
        written = replace(section, numbers=tuple(self._numbers()), formula=self._written, computed=computed)
        self.sections.append(written)

    def _numbers(self) -> Iterator[Shown]:
        numbers = [
            mobject
            for mobject in family(self.mobjects)
            if isinstance(mobject, Number) and len(mobject.points) and mobject.fill_rgbas[0, 3] > 0
        ]
        for number, box in zip(numbers, bounds(numbers), strict=True):
            yield Shown(number.text, number.tensor, number.index, number.value, box)
