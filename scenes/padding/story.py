"""The story of padding: the input keeps its place on a larger canvas, then its border is filled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, ClassVar

from manim import Animation

from torchreel.scenes.padding.axes import CONSTANT, Axis, axes_of, has_value, mode_of
from torchreel.scenes.padding.board import PaddingBoard
from torchreel.scenes.padding.volume import PaddingVolumeBoard
from torchreel.scenes.parts.motion import Appear
from torchreel.scenes.stage.beats import Beat, runs
from torchreel.scenes.stage.excerpt import excerpt
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace import notation
from torchreel.scenes.trace.formula import Index, Token
from torchreel.scenes.trace.proof import Step

_SLOW, _SWEEPS = 2, 6
_LEADING, _PADDED, _READ = "nc", "dij", "tuv"
"""The letters of places in the law: before the padded axes, along them, and in the input where they are computed."""


class PaddingScene(OperatorScene):
    """The input arrives, the sides are named, two border elements slowly, then the rest of the border side by side."""

    board_class: ClassVar[type[PaddingBoard] | type[PaddingVolumeBoard]]

    def story(self) -> Iterator[Beat]:
        self.board = board = self.board_class(self.look, self.trace)
        if notes := self._left_out():
            self.add(board.note(notes))
        self.add(board.scenery())
        yield Beat("start")
        yield Beat("place", self._arrive, 0.4, 0.6)
        groups = [group for group in board.groups() if group]
        slow = self._telling(groups)
        for at in slow:
            step = self._step(at)
            yield Beat(
                f"{self.mode}_near",
                partial(self._write, [at]),
                0.4,
                1.0,
                step,
                look=partial(self.point_at, step),
            )
        for number, group in enumerate(groups):
            yield from self._rest(number, [at for at in group if at not in slow])
        yield Beat("done", self.leave, 0.1)

    @property
    def axes(self) -> list[Axis]:
        """The padded axes in torch's order, the last dimension first."""
        return axes_of(self._padding, self.trace.shape("input"))

    @property
    def mode(self) -> str:
        """How the border is filled."""
        return mode_of(self.operator.name)

    def values(self) -> dict[str, object]:
        shape, out, dims = self.trace.shape("input"), self.trace.shape("output"), len(self.axes)
        return {
            "padding": str(self._padding).replace("-", "−").replace(" ", ""),
            "plane": " × ".join(map(str, shape[-dims:])),
            "out": " × ".join(map(str, out[-dims:])),
            "value": self.text("output", getattr(self.trace.module, "value", 0)),
        }

    def law(self) -> Sequence[Token]:
        """Where each element of the output comes from, its place counted as in the formulas with numbers."""
        names, sources, made = self._places()
        output, source = (notation.head(self.trace, *one) for one in (("output", names), ("input", sources)))
        other = f" or {self.values()['value']}" if self.mode == CONSTANT and max(self._padding) > 0 else ""
        rules = [
            f",   {place} = {rule}" for place, rule in made.items() if place in source.text.split("_")[-1]
        ]
        return [output, Token(" = "), source, Token("".join([other, *rules]))]

    def main_source(self, step: Step) -> str:
        """Lines that came out from behind other cells would seem to lead from these; frames say enough there."""
        ref = next(step.formula.refs(), None)
        seen = ref is not None and self.board.sees(ref.element, step.index)
        return super().main_source(step) if seen else ""

    @property
    def lines_go_down(self) -> bool:
        return isinstance(self.board, PaddingBoard) and self.board.stacked

    def figure(self) -> Step | None:
        groups = [group for group in self.board.groups() if group]
        chosen = self._telling(groups) or self.board.inside()[:1]
        return self._step(chosen[-1]) if chosen else None

    def formula_tokens(self, step: Step, most: int = 4) -> list[Token]:
        """A copy has no arithmetic: the output's element is named with the element that it is."""
        if step.tensor != "output":
            return super().formula_tokens(step, most)
        ref = next(step.formula.refs())
        head = notation.head(self.trace, "output", step.index)
        value = Token(self.text("output", step.value), "output", step.index, step.value)
        if not ref.is_inside(self.trace.tensors):
            return [head, Token(" = "), value]
        return [head, Token(" = "), notation.head(self.trace, "input", ref.element), Token(" = "), value]

    def _telling(self, groups: Sequence[Sequence[Any]]) -> list[Any]:
        """The border elements that are told slowly: the farthest and the nearest of the first side that is drawn."""
        if not groups:
            return []
        return list(dict.fromkeys([groups[0][0], self.board.far(groups[0])]))[:_SLOW]

    def _rest(self, number: int, cells: Sequence[Any]) -> Iterator[Beat]:
        key = (
            f"{self.mode}_near"
            if number == 0
            else f"{self.mode}_rows"
            if len(self.axes) < 3
            else f"{self.mode}_slices"
        )
        for run in runs(cells, _SWEEPS):
            step = self._step(run[-1])
            look = partial(self.point_at, step)
            yield Beat(key, partial(self._write, run), 0.4, look=look, sweep=True, formula=step)

    def _arrive(self) -> list[Animation]:
        board = self.board
        labels = [board.side_label(number) for number in range(2 * len(self.axes))]
        labels += [board.value_label()] if has_value(self.operator.name) else []
        return [*self._write(board.inside()), *board.cut_off(), Appear(board.rim, *labels)]

    def _write(self, cells: Sequence[Any]) -> list[Animation]:
        return [move for at in cells for move in self.board.write(at)]

    def _step(self, at: Any) -> Step:
        index: Index = self.board.element(at)
        return self.trace.step("output", index)

    def _left_out(self) -> str:
        """How much is drawn, and colours for numbers."""
        board, shape = self.board, self.trace.shape("input")
        drawn = 3 if self.board_class is PaddingVolumeBoard else 2
        # Of a line, channels are rows: what is in front of them are samples.
        leading = (*shape[:-2], 1) if len(self.axes) == 1 and len(shape) > 2 else shape[:-drawn]
        gap = isinstance(board, PaddingBoard) and not board.whole
        more = [self.words("left_out_middle")] if gap else []
        return excerpt(self, leading, board.shown, not board.has_numbers, more)

    def _places(self) -> tuple[list[str], list[str], dict[str, str]]:
        """The indices of an output's element, those of the input's element that it is, and how they are made."""
        axes = self.axes[::-1]
        free = len(self.trace.shape("output")) - len(axes)
        leading = [*"·" * (free - len(_LEADING)), *_LEADING[max(0, len(_LEADING) - free) :]]
        own, made = list(_PADDED[-len(axes) :]), {}
        sources = [axis.source(self.mode, place) for axis, place in zip(axes, own, strict=True)]
        for k, letter in enumerate(_READ[-len(axes) :]):
            if sources[k] != axes[k].source(CONSTANT, own[k]):
                made[letter], sources[k] = sources[k], letter
        return [*leading, *own], [*leading, *sources], made

    @property
    def _padding(self) -> tuple[int, ...]:
        module: Any = self.trace.module
        return tuple(module.padding)


class PlanePadding(PaddingScene):
    """A line or a plane is padded."""

    board_class = PaddingBoard


class BlockPadding(PaddingScene):
    """A volume is padded, slice by slice."""

    board_class = PaddingVolumeBoard
