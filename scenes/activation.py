"""Element-wise activations: every element rides the curve alone, and its slope says what learning gets from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from manim import Animation, VGroup
from torch import nn

from torchreel.scenes.activation_functions import law
from torchreel.scenes.activation_laws import plain
from torchreel.scenes.activation_stage import Board
from torchreel.scenes.activation_trace import record_activation
from torchreel.scenes.formula import Case, Token
from torchreel.scenes.operator import Operator
from torchreel.scenes.parts.motion import Appear, Vanish, sweep_times
from torchreel.scenes.stage import Beat, OperatorScene
from torchreel.scenes.trace import Step

DOCS = "https://docs.pytorch.org/docs/stable/generated/torch.nn."
_MOST_SLOW = 3


def _operator(module: type[nn.Module]) -> Operator:
    return Operator(module, record_activation, "activation", f"{DOCS}{module.__name__}.html")


class _Activation(OperatorScene):
    """The elements one by one, the first of each regime slowly; what the function is like; then its slope."""

    def story(self) -> Iterator[Beat]:
        self.rules = law(self.trace.module)  # type: ignore[arg-type]
        self.board = Board(self.look, self.trace, self.rules, self._label)
        self.lit = VGroup()
        self.add(self.board.scenery())
        yield Beat("start", run_time=1.5, formula=self._law(), also=self._reading())
        yield from self._outputs()
        if self.rules.beside or self.rules.levels:
            yield Beat("aha", self._compare, 0.5, 1.6)
        yield from self._slopes()
        if self.rules.moments:
            yield Beat("moments", self._moments, 0.5, 2.0)
        yield Beat("done", self._finish, 0.4, 0.9, self._law())

    def formula_tokens(self, step: Step, most: int = 4) -> list[Token]:
        """The step's formula, after the condition under which it holds."""
        tokens = super().formula_tokens(step, most)
        if tokens[1].text.removesuffix(" = ") == "".join(token.text for token in tokens[2:-2]):
            tokens = [tokens[0], *tokens[-1:]]
        condition = self._condition(step)
        whole = [*condition, *tokens]
        return whole if self.formula_bar.width(whole) <= 1 else tokens

    def _outputs(self) -> Iterator[Beat]:
        slow = self._slow()
        quick = iter(sweep_times(len(self.board.elements) - len(slow), 0.6, 0.3))
        for row in self.board.elements:
            step = self.trace.step("output", self.board.index(row))
            if row in slow:
                key, values = self._key(row), self._numbers_of(row)
                yield Beat(key, partial(self._ride, row), 0.6, 0.3, step, values)
                yield Beat(key, partial(self._write, row), 0.5, 0.7, step, values)
            else:
                yield Beat("sweep", partial(self._both, row), next(quick), 0.1, step)

    def _slow(self) -> list[int]:
        """The first element of each regime, and a second one where there is a single regime."""
        first: dict[str, int] = {}
        for row in self.board.elements:
            piece = self.board.piece(row)
            if piece is not None:
                first.setdefault(piece.key, row)
        found = list(first.values())[:_MOST_SLOW]
        return found if len(self.rules.pieces) > 1 else [*found, *self.board.elements[-1:]][:2]

    def _key(self, row: int) -> str:
        piece = self.board.piece(row)
        return "sweep" if piece is None else piece.key

    def _numbers_of(self, row: int) -> dict[str, object]:
        """What the captions of one element name."""
        names = {"x": "input", "y": "output", "slope": "slope"}
        return {key: self.text(name, self.board.value(name, row)) for key, name in names.items()}

    def values(self) -> dict[str, object]:
        return {name: plain(value) for name, value in self._settings().items()}

    def _settings(self) -> dict[str, float]:
        """The module's numbers by name."""
        return {
            name: value
            for name, value in vars(self.trace.module).items()
            if isinstance(value, (int, float)) and not isinstance(value, bool) and not name.startswith("_")
        }

    def _ride(self, row: int) -> Iterable[Animation]:
        self._light(row)
        return [*self.board.point(row, "input"), *self.board.ride(row)]

    def _write(self, row: int) -> Iterable[Animation]:
        self.add(self.board.mark(row))
        return [*self.board.point(row, "input", "output"), *self.board.write("output", row)]

    def _both(self, row: int) -> Iterable[Animation]:
        self._light(row)
        self.add(self.board.mark(row))
        moves = [*self.board.point(row, "input", "output"), *self.board.ride(row)]
        return [*moves, *self.board.write("output", row)]

    def _light(self, row: int) -> None:
        """The regime of a row's element takes the place of the one before."""
        self.remove(self.lit)
        self.lit = self.board.regime(row)
        self.add(self.lit)

    def _compare(self) -> Iterable[Animation]:
        self.remove(self.lit, *self.board.dismiss())
        return [Appear(part) for part in self.board.neighbours()]

    def _slopes(self) -> Iterator[Beat]:
        """The derivative's curve, then the slope of each element."""
        rows = self.board.elements
        yield Beat("slopes", self._derivative, 0.5, 0.6, self._derived(rows[0]))
        for row, seconds in zip(rows, sweep_times(len(rows), 0.4, 0.2), strict=True):
            yield Beat("slopes", partial(self._slope, row), seconds, 0.0, self._derived(row))
        yield Beat("slopes", run_time=0.4)

    def _derivative(self) -> Iterable[Animation]:
        first = self.board.elements[0]
        return [*(Appear(curve) for curve in self.board.slopes), *self._at_slope(first)]

    def _slope(self, row: int) -> Iterable[Animation]:
        return [*self._at_slope(row), *self.board.write("slope", row)]

    def _at_slope(self, row: int) -> list[Animation]:
        self._light(row)
        cursors = self.board.point(row, "input", "slope")
        return [*cursors, *self.board.ride(row), *self.board.ride_slope(row)]

    def _derived(self, row: int) -> list[Token]:
        """The derivative of one element, as autograd gives it."""
        index, value = self.board.index(row), self.board.value("slope", row)
        head = f"d output{list(index)} / d input{list(index)} = "
        return [Token(head), Token(self.text("slope", value), "slope", index, value)]

    def _moments(self) -> Iterable[Animation]:
        self.remove(self.lit)
        gone = [Vanish(part) for part in (*self.board.dismiss(), *self.board.cursors.shapes)]
        self.board.cursors.shapes = []
        return [*gone, Appear(self.board.moments())]

    def _finish(self) -> Iterable[Animation]:
        self.remove(self.lit)
        self.add(self.board.summary())
        return [Vanish(part) for part in (*self.board.dismiss(), *self.board.cursors.shapes)]

    def _law(self) -> list[Token]:
        """The function in symbols, piece by piece."""
        step = self.trace.step("output", self.board.index(self.board.elements[0]))
        shown = getattr(step.formula, "arg", step.formula)
        if not isinstance(shown, Case) or not self.rules.pieces[0].condition:
            return [Token(f"output = {step.formula.symbols()}")]
        parts = zip(shown.branches, self.rules.pieces, strict=False)
        said = [f"{branch.symbols()}  ({piece.condition.format('input')})" for branch, piece in parts]
        return [Token("output = " + ",  ".join(said))]

    def _condition(self, step: Step) -> list[Token]:
        """`−1.20 ≤ 0: ` with the element's number, where the formula holds on a condition."""
        piece = self.rules.pieces[int(self.trace.value("regime", step.index))]
        value = self.trace.value("input", step.index)
        if not piece.condition or value != value:
            return []
        before, after = piece.condition.split("{}")
        number = Token(self.text("input", value), "input", step.index, value)
        return [*([Token(before)] if before else []), number, Token(f"{after}:  ")]

    def _label(self, key: str) -> str:
        return self.words(f"label_{key}", None, **self.values())

    def _reading(self) -> tuple[str, ...]:
        needed = {"sampled": self.board.is_sampled, "heat": not self.board.has_numbers}
        return tuple(key for key, needs in needed.items() if needs)


class ReLU(_Activation):
    operator = _operator(nn.ReLU)


class ReLU6(_Activation):
    operator = _operator(nn.ReLU6)


class LeakyReLU(_Activation):
    operator = _operator(nn.LeakyReLU)


class PReLU(_Activation):
    """Each channel may have a slope of its own."""

    operator = _operator(nn.PReLU)

    def values(self) -> dict[str, object]:
        slopes = [plain(value) for value in self.trace.sample("weight", 9).tolist()]
        return {**super().values(), "weight": slopes[0], "weights": f"[{', '.join(slopes)}]"}

    def _numbers_of(self, row: int) -> dict[str, object]:
        channel = self.board.curve(row)
        weight = plain(self.trace.value("weight", (channel,)))
        return {**super()._numbers_of(row), "channel": channel, "weight": weight}


class RReLU(_Activation):
    """In training, slopes are random; their mean is what evaluation uses."""

    operator = _operator(nn.RReLU)

    def _settings(self) -> dict[str, float]:
        module: Any = self.trace.module
        return {**super()._settings(), "mean": (module.lower + module.upper) / 2}


class _Saturating(_Activation):
    """The negative side comes to a limit."""

    def _settings(self) -> dict[str, float]:
        module: Any = self.trace.module
        return {**super()._settings(), "limit": -float(module.alpha)}


class ELU(_Saturating):
    operator = _operator(nn.ELU)


class CELU(_Saturating):
    operator = _operator(nn.CELU)


class SELU(_Activation):
    operator = _operator(nn.SELU)


class GELU(_Activation):
    operator = _operator(nn.GELU)


class SiLU(_Activation):
    operator = _operator(nn.SiLU)


class Mish(_Activation):
    operator = _operator(nn.Mish)


class Hardswish(_Activation):
    operator = _operator(nn.Hardswish)


class Sigmoid(_Activation):
    operator = _operator(nn.Sigmoid)


class Hardsigmoid(_Activation):
    operator = _operator(nn.Hardsigmoid)


class LogSigmoid(_Activation):
    operator = _operator(nn.LogSigmoid)


class Softplus(_Activation):
    operator = _operator(nn.Softplus)


class Tanh(_Activation):
    operator = _operator(nn.Tanh)


class Hardtanh(_Activation):
    operator = _operator(nn.Hardtanh)


class Softsign(_Activation):
    operator = _operator(nn.Softsign)


class Hardshrink(_Activation):
    operator = _operator(nn.Hardshrink)


class Softshrink(_Activation):
    operator = _operator(nn.Softshrink)


class Tanhshrink(_Activation):
    operator = _operator(nn.Tanhshrink)


class Threshold(_Activation):
    operator = _operator(nn.Threshold)
