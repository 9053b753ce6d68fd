"""Softmax and its kin: every slice along an axis becomes shares of one sum."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, partial
from typing import Any

from manim import Animation

from torchreel.assets.examples import DEFAULT
from torchreel.scenes.activation import operators
from torchreel.scenes.activation.softmax.planes import RIGHT, SoftmaxPlanes
from torchreel.scenes.activation.softmax.table import SliceColumns, SliceTable
from torchreel.scenes.activation.softmax.trace import row_shift, softmax_dim
from torchreel.scenes.parts.gates import Cursors
from torchreel.scenes.parts.motion import Vanish, sweep_times
from torchreel.scenes.stage.beats import Beat, runs
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Index, Token

_MOST_SWEEPS = 8
_BESIDE, _ALONE = (RIGHT + 0.75, 6.75), (-5.6, 5.6)


class SoftmaxScene(OperatorScene):
    """One slice step by step (largest, exponentials, sum, shares), then the others."""

    names: tuple[str, ...] = ("input", "shifted", "exp", "output")
    barred: tuple[str, ...] = ("exp", "output")

    def story(self) -> Iterator[Beat]:
        shape = self.trace.shape("input")
        self.dim = softmax_dim(self.trace.module, len(shape))
        self.planes = SoftmaxPlanes(self.look, self.trace, self.dim) if len(shape) > 1 else None
        owners = self.planes.owners if self.planes else [(0,) * len(shape)]
        self.cursors = Cursors(self.look)
        self.table = self._table(owners[0], whole=False)
        self.add(*([self.planes.scenery] if self.planes else []), self.table.scenery)
        yield Beat("start", self._open, 0.5, 1.2, self._law(), also=self._reading())
        yield from self._in_full()
        yield from self._swept(owners)
        yield Beat("done", self._finish, 0.4, 0.9)

    @cached_property
    def told_as(self) -> str:
        """Words about rows are for a matrix along its rows; those about a shift for two rows that differ by one."""
        name, shape = super().told_as, self.trace.shape("input")
        if len(shape) != 2 or softmax_dim(self.trace.module, 2) != 1:
            return DEFAULT
        return "dim" if name == "shift" and self._shift is None else name

    @cached_property
    def _shift(self) -> float | None:
        x: Any = self.trace.tensors["input"]
        return row_shift(x)

    def values(self) -> dict[str, object]:
        table = self._table(self._first(), whole=False)
        largest = table.index(table.largest())
        return {
            "dim": self.trace.kwargs.get("dim", self.dim) if hasattr(self, "dim") else 0,
            "size": table.size,
            "shift": "" if self._shift is None else self.text("input", self._shift),
            "max": self.text("max", self.trace.value("max", self._first())),
            "sum": self.text("sum", self.trace.value("sum", self._first())),
            "best": self.text("input", self.trace.value("input", largest)),
            "share": self.text("output", self.trace.value("output", largest)),
        }

    def _first(self) -> Index:
        return (0,) * len(self.trace.shape("input"))

    def _table(self, owner: Index, whole: bool) -> SliceTable:
        shape = self.trace.shape("input")
        dim = softmax_dim(self.trace.module, len(shape))
        left, right = _BESIDE if len(shape) > 1 else _ALONE
        layout = SliceColumns(self.names, self.barred, left, right)
        heads = [self._heading(name) for name in self.names]
        return SliceTable(self.look, self.trace, dim, owner, layout, heads, whole)

    def _heading(self, name: str) -> str:
        source = "negated" if "negated" in self.names else "input"
        shown = {"negated": "−input", "shifted": f"{source} − max".replace("negated", "−input")}
        return shown.get(name, name)

    def _law(self) -> list[Token]:
        step = self.trace.step("output", self.table.index(0))
        return [Token(f"output = {step.formula.symbols()},  exp = exp({self._heading('shifted')})")]

    def _reading(self) -> tuple[str, ...]:
        needed = {
            "sampled": self.table.is_sampled,
            "part": self.planes is not None and self.planes.is_partial,
            "heat": not self.table.has_numbers,
        }
        return tuple(key for key, needs in needed.items() if needs)

    def _open(self) -> Iterable[Animation]:
        return self.planes.point(self._first()) if self.planes else []

    def _in_full(self) -> Iterator[Beat]:
        """The first slice, column by column."""
        table, first = self.table, self._first()
        if "negated" in self.names:
            negated = self.trace.step("negated", table.index(0))
            yield Beat("negate", partial(self._write, "negated"), 0.6, 0.7, negated)
        yield Beat("max", partial(self._stand, "max"), 0.5, 0.6, self.trace.step("max", first))
        yield Beat(
            "less", partial(self._write, "shifted"), 0.6, 0.7, self.trace.step("shifted", table.index(0))
        )
        yield Beat("exp", partial(self._write, "exp"), 0.8, 0.8, self.trace.step("exp", table.index(0)))
        yield Beat("sum", partial(self._stand, "sum"), 0.5, 0.9, self.trace.step("sum", first))
        yield from self._results()

    def _results(self) -> Iterator[Beat]:
        best = self.table.index(self.table.largest())
        yield Beat("divide", partial(self._write, "output"), 0.8, 1.0, self.trace.step("output", best))
        yield Beat("total", partial(self._stand, "total"), 0.5, 0.8, self.trace.step("total", self._first()))

    def _write(self, name: str) -> Iterable[Animation]:
        self.add(*self.table.bars.get(name, []))
        frames = self.cursors.glide(self.table.frame_all(name))
        slices = self.planes.write(self._first()) if self.planes and name == "output" else []
        return [*frames, *self.table.write(name), *slices]

    def _stand(self, name: str) -> Iterable[Animation]:
        self.add(*self.table.stands[name])
        return [*self.cursors.glide(self.table.foot_frame(name)), *self.table.stand(name)]

    def _swept(self, owners: Sequence[Index]) -> Iterator[Beat]:
        """The other slices, each with its own sum; several at a time if there are many."""
        sweep = runs(owners[1:], _MOST_SWEEPS)
        slow = 1.1 if len(sweep) <= 3 else 0.6
        for run, seconds in zip(sweep, sweep_times(len(sweep), slow, slow / 2), strict=True):
            owner = run[-1]
            best = self._table(owner, whole=True)
            step = self.trace.step("output", best.index(best.largest()))
            yield Beat("sweep", partial(self._sweep, run), 0.3, seconds, step)

    def _sweep(self, run: Sequence[Index]) -> Iterable[Animation]:
        assert self.planes is not None
        self.remove(*self.table.everything(), *self.cursors.shapes)
        self.cursors.shapes = []
        self.table = self._table(run[-1], whole=True)
        self.add(self.table.scenery)
        written = [move for owner in run for move in self.planes.write(owner)]
        return [*self.planes.point(run[-1]), *written]

    def _finish(self) -> Iterable[Animation]:
        cursors = [*self.cursors.shapes, *(self.planes.cursors.shapes if self.planes else [])]
        return [Vanish(shape) for shape in cursors]


class Softmax(SoftmaxScene):
    operator = operators.Softmax


class Softmin(SoftmaxScene):
    """Softmax of the opposite: the smallest gets the largest share."""

    operator = operators.Softmin
    names = ("input", "negated", "shifted", "exp", "output")


class Softmax2d(SoftmaxScene):
    """Every pixel's channels are one slice."""

    operator = operators.Softmax2d


class LogSoftmax(SoftmaxScene):
    """The logarithm of the share, in one subtraction."""

    operator = operators.LogSoftmax
    barred = ("exp",)

    def _results(self) -> Iterator[Beat]:
        best = self.table.index(self.table.largest())
        step = self.trace.step("logsumexp", self._first())
        yield Beat("logsumexp", partial(self._stand, "logsumexp"), 0.5, 1.0, step)
        yield Beat("subtract", partial(self._write, "output"), 0.8, 1.0, self.trace.step("output", best))
