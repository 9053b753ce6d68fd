"""Normalization layers in numbered steps: elements that share statistics, and what torch makes of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property, partial
from typing import Any, ClassVar

import numpy as np
from manim import Animation, Scene

from torchreel.assets.examples import DEFAULT
from torchreel.scenes.normalization import operators
from torchreel.scenes.normalization.gather import Spread
from torchreel.scenes.normalization.plan import Plan, Planner
from torchreel.scenes.normalization.sets_trace import Partition
from torchreel.scenes.normalization.steps import StepColumn, StepsBoard
from torchreel.scenes.normalization.trace import (
    are_related,
    is_frozen,
    partition,
)
from torchreel.scenes.parts.motion import Appear, Morph, Vanish
from torchreel.scenes.parts.shapes import Shape
from torchreel.scenes.stage.beats import Beat, runs
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Token
from torchreel.scenes.trace.proof import Step

_SWEEPS = 3


class FiveSteps(OperatorScene):
    """Mean, difference, variance and its root, quotient, affine map: over all sets that share statistics.

    `kind` is the layer's part of the captions that say which elements form a set.
    """

    kind: ClassVar[str]

    def story(self) -> Iterator[Beat]:
        frozen = self.frozen
        shown = ("running_mean", "running_var") if frozen else ()
        self.board = board = StepsBoard(
            self.look, self.trace, self.sets, self.columns(), self._notes, shown, self.axes
        )
        sets = f"sets_{self.kind}_eval" if frozen else f"sets_{self.kind}"
        if Spread.fits(board):
            spread = Spread(board)
            self.add(*board.planes_of("input"), *spread.labels)
            yield Beat(sets, spread.appear, 0.6, 1.2, also=self.remarks())
            yield Beat("gather", partial(self._gather_sets, spread), 0.9, 0.2)
        else:
            self._open_table()
            yield Beat(sets, board.appear, 0.6, 0.8, also=self.remarks())
        yield from self.steps()
        yield Beat(f"done_{self.kind}_eval" if frozen else f"done_{self.kind}", self.clear_cursor, 0.4)

    def remarks(self) -> tuple[str, ...]:
        """Captions that belong to the first beat if these data bear them out."""
        return ()

    def steps(self) -> Iterator[Beat]:
        """The beats of the numbered steps."""
        yield from self._mean()
        yield from self.elements(2, "centered", "input")
        yield from self._variance()
        yield from self.elements(4, "normalized", "centered")
        yield from self.elements(5, "output", "normalized")

    def _open_table(self) -> None:
        """The headings and the empty columns."""
        self.add(*self.board.planes_of(*self.board.grids), self.board.labels)

    def _gather_sets(self, spread: Spread) -> list[Animation]:
        self._open_table()
        return [*spread.gather(), *self.board.appear()]

    def columns(self) -> list[StepColumn]:
        """The columns of the table."""
        mean, var = ("running_mean", "running_var") if self.frozen else ("mean", "var")
        return [
            self.input_column(),
            StepColumn(
                "mean", mean if self.frozen else f"Σ / {self.sets.size}", statistics=((mean, "mean"),)
            ),
            StepColumn("centered", "input − mean", "centered"),
            StepColumn(
                "var → std", var if self.frozen else "√(var + eps)", statistics=((var, "var"), ("std", "std"))
            ),
            StepColumn("normalized", "centered / std", "normalized"),
            self.output_column(),
        ]

    def input_column(self) -> StepColumn:
        """What comes in."""
        return StepColumn("input", str(self.trace.shape("input")).replace(" ", ""), "input")

    def output_column(self) -> StepColumn:
        """What goes out."""
        factors = (("× weight", "weight"), ("bias", "bias"))
        affine = " + ".join(part for part, name in factors if name in self.trace.tensors)
        return StepColumn("output", affine or "= normalized", "output")

    @property
    def sets(self) -> Partition:
        """The sets of elements that share statistics."""
        return partition(self.trace.module, self.trace.shape("input"))

    @property
    def frozen(self) -> bool:
        """Whether the statistics are the running ones."""
        return is_frozen(self.trace.module)

    @property
    def axes(self) -> str:
        """A letter for each axis of the input, as torch's pages call them; none where they have no names."""
        return {2: "nc", 3: "ncl", 4: "nchw", 5: "ncdhw"}.get(len(self.trace.shape("input")), "")

    def values(self) -> dict[str, Any]:
        sets, module = self.sets, self.trace.module
        eps = getattr(module, "eps", None)
        return {
            "count": sets.size,
            "sets": int(np.prod(sets.sets)),
            "eps": f"{eps:g}" if eps is not None else "finfo.eps",
        }

    def clear_cursor(self) -> list[Animation]:
        """The cursor leaves, no step is lit."""
        return [Vanish(self.board.cursor), *self.board.light(0)]

    def statistic(self, number: int, tensor: str, source: str, key: str = "") -> Iterator[Beat]:
        """The first set's statistic in full, the others in a sweep."""
        gather, key = partial(self._gather, number, (tensor,), source), key or tensor
        yield Beat(key, partial(gather, [0]), 0.6, 0.8, self._of_band(tensor, 0))
        for bands, seconds in self._sweep():
            yield Beat(f"{key}_all", partial(gather, bands), seconds, 0.0, self._of_band(tensor, bands[-1]))

    def root(self, number: int, square: str, root: str, source: str) -> Iterator[Beat]:
        """A mean of squares, then its root with eps; the first set in full, the others in a sweep."""
        if self.frozen:
            yield Beat(square, partial(self._point_at, number, square), 0.6, 0.8, self._kept(square))
        else:
            first = partial(self._gather, number, (square,), source, [0])
            yield Beat(square, first, 0.6, 0.8, self._of_band(square, 0))
        yield Beat(
            root, partial(self._gather, number, (root,), square, [0]), 0.5, 0.7, self._of_band(root, 0)
        )
        gather = partial(self._gather, number, (root,) if self.frozen else (square, root), source)
        for bands, seconds in self._sweep():
            yield Beat(f"{square}_all", partial(gather, bands), seconds, 0.0, self._of_band(root, bands[-1]))

    def elements(self, number: int, tensor: str, source: str) -> Iterator[Beat]:
        """One element in full, then set by set."""
        board = self.board
        step = self.trace.step(tensor, board.grids[tensor][0][0].index((0, 0)))
        key = self._affine_key() if tensor == "output" else tensor
        yield Beat(key, partial(self._write_first, number, tensor, source), 0.5, 0.7, step)
        sweep = runs(range(len(board.bands)), _SWEEPS)
        for bands in sweep:
            yield Beat(f"{key}_all", partial(self._write, tensor, bands), round(0.9 / len(sweep), 1))

    def _mean(self) -> Iterator[Beat]:
        if self.frozen:
            first = partial(self._point_at, 1, "running_mean")
            yield Beat("running_mean", first, 0.6, 1.0, self._kept("running_mean"))
        else:
            yield from self.statistic(1, "mean", "input")

    def _variance(self) -> Iterator[Beat]:
        yield from self.root(3, "running_var" if self.frozen else "var", "std", "centered")

    def _notes(self, planner: Planner, plan: Plan) -> str:
        """What the table leaves out, if anything."""
        cells = plan.cells["input"]
        corner: dict[str, Any] = {"planes": plan.planes, "rows": cells.rows, "cols": cells.cols}
        notes = [
            (plan.bands < planner.sets, self.words("left_out", shown=plan.bands, total=planner.sets)),
            (not planner.is_whole(plan), self.words("corner", **corner)),
            (not plan.has_numbers, self.words("heat_map")),
        ]
        return " · ".join(note for needed, note in notes if needed)

    def _kept(self, tensor: str) -> list[Token]:
        """A running statistic as it is, without a formula."""
        owner = self.board.bands[0]
        value = self.trace.value(tensor, owner)
        return [Token(f"{tensor}{list(owner)} = "), Token(self.text(tensor, value), tensor, owner, value)]

    def _of_band(self, tensor: str, band: int) -> Step:
        return self.trace.step(tensor, self.board.bands[band])

    def _affine_key(self) -> str:
        tensors: Any = self.trace.tensors
        if "weight" not in tensors:
            return "affine_off"
        fresh = bool((tensors["weight"] == 1).all()) and not (
            "bias" in tensors and bool(tensors["bias"].any())
        )
        kind = "layer" if self.kind in ("layer", "rms") else "channel"
        return f"affine_{kind}_fresh" if fresh else f"affine_{kind}"

    def _sweep(self) -> Iterator[tuple[Sequence[int], float]]:
        return zip(runs(range(1, len(self.board.bands)), _SWEEPS), (0.4, 0.3, 0.3), strict=False)

    def _gather(
        self, number: int, tensors: tuple[str, ...], source: str, bands: Sequence[int]
    ) -> list[Animation]:
        """The cursor goes to what is read; the statistics fly out of it."""
        board = self.board
        flights = [board.write_statistic(tensor, band, source, 0.5) for band in bands for tensor in tensors]
        return [*pointed(self, board.cursor, board.around(source, bands[-1])), *flights, *board.light(number)]

    def _point_at(self, number: int, tensor: str) -> list[Animation]:
        """The cursor goes to a statistic that is there already."""
        board = self.board
        return [*pointed(self, board.cursor, board.around(tensor, 0)), *board.light(number)]

    def _write_first(self, number: int, tensor: str, source: str) -> list[Animation]:
        board = self.board
        return [
            *pointed(self, board.cursor, board.around_first(tensor)),
            *board.write_first(tensor, source),
            *board.light(number),
        ]

    def _write(self, tensor: str, bands: Sequence[int]) -> list[Animation]:
        board = self.board
        return [
            *pointed(self, board.cursor, board.around(tensor, bands[-1])),
            *board.write_elements(tensor, bands, 0.3),
        ]


def pointed(scene: Scene, cursor: Shape, path: np.ndarray) -> list[Animation]:
    """The cursor moves to a path, or appears there."""
    if cursor in scene.mobjects:
        return [Morph(cursor, path)]
    cursor.points = path
    return [Appear(cursor)]


class LayerNorm(FiveSteps):
    kind = "layer"
    operator = operators.LayerNorm

    @cached_property
    def told_as(self) -> str:
        """Tokens are told of where the last dimension alone is normalized."""
        module: Any = self.trace.module
        return super().told_as if len(module.normalized_shape) == 1 else DEFAULT

    @property
    def axes(self) -> str:
        """The axes of images have names; those of anything shorter may be anything."""
        return super().axes if len(self.trace.shape("input")) > 3 else ""

    def values(self) -> dict[str, Any]:
        module: Any = self.trace.module
        return {**super().values(), "shape": " × ".join(map(str, module.normalized_shape))}


class RMSNorm(LayerNorm):
    """Squares, their mean and its root, quotient, weight: no mean is subtracted."""

    kind = "rms"
    operator = operators.RMSNorm

    def remarks(self) -> tuple[str, ...]:
        x: Any = self.trace.tensors["input"]
        return ("related_rows",) if are_related(x) else ()

    def columns(self) -> list[StepColumn]:
        return [
            self.input_column(),
            StepColumn("square", "input²", "square"),
            StepColumn("mean → rms", "√(mean + eps)", statistics=(("mean_square", "mean"), ("rms", "rms"))),
            StepColumn("normalized", "input / rms", "normalized"),
            self.output_column(),
        ]

    def steps(self) -> Iterator[Beat]:
        yield from self.elements(1, "square", "input")
        yield from self.root(2, "mean_square", "rms", "square")
        yield from self.elements(3, "normalized", "input")
        yield from self.elements(4, "output", "normalized")
