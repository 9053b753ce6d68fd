"""Normalization: elements that share one mean and one variance, and what torch makes of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any, TypeVar

import numpy as np
from manim import Animation

from torchreel.scenes.normalization_blocks import Panel
from torchreel.scenes.normalization_groups import GroupsBoard, Heading, numbers_a_group
from torchreel.scenes.normalization_plan import Plan, Planner
from torchreel.scenes.normalization_steps import StepsBoard
from torchreel.scenes.normalization_trace import COMPARISON, GROUP_NORM, LAYERS, partitions
from torchreel.scenes.parts.motion import Appear, Morph, Vanish
from torchreel.scenes.parts.shapes import Shape
from torchreel.scenes.stage import Beat, OperatorScene
from torchreel.scenes.trace import Step

_SWEEPS = 3
T = TypeVar("T")


class GroupNorm(OperatorScene):
    """Five steps over all groups; the example `groups` compares the partitions of several num_groups instead."""

    operator = GROUP_NORM

    def story(self) -> Iterator[Beat]:
        return self._regrouped() if self._settings() else self._five_steps()

    def call(self) -> list[tuple[str, bool]]:
        """The constructor call; the example `groups` has several."""
        if not self._settings():
            return super().call()
        settings = " | ".join(map(str, self._settings()))
        module: Any = self.trace.module
        return [
            ("nn.GroupNorm(", False),
            (f"num_groups={settings}", True),
            (f", num_channels={module.num_channels})", False),
        ]

    def _settings(self) -> list[int]:
        """The values of num_groups whose results the trace holds, if it is the one of the example `groups`."""
        named = (name.partition("=")[2] for name in self.trace.tensors if "=" in name and "." not in name)
        return [int(groups) for groups in named] if self.trace.shape("input")[0] else []

    def _regrouped(self) -> Iterator[Beat]:
        settings = self._settings()
        board = self.columns = GroupsBoard(
            self.look, self.trace, settings, self._column_headings(settings), self._row_note
        )
        self.add(*(grid for column in board.grids for grid in column), board.labels)
        yield Beat("regroup", run_time=0.1, hold=1.2, values=self._sizes())
        for column, groups in enumerate(settings, 1):
            yield from self._setting(column, groups, 1.0 if len(settings) < 4 else 0.7)
        yield Beat("regrouped", lambda: [Vanish(board.cursor)], 0.4, values=self._sizes())

    def _row_note(self, rows: int) -> str:
        """Which samples and channels the columns leave out, if any."""
        sizes = self._sizes()
        notes = [
            (sizes["samples"] > 1, self.words("one_sample", **sizes)),
            (rows < sizes["channels"], self.words("left_out_rows", rows=rows, **sizes)),
        ]
        return " · ".join(note for needed, note in notes if needed)

    def _setting(self, column: int, groups: int, pace: float) -> Iterator[Beat]:
        """One num_groups: the channels regroup, each group gets its statistics, the numbers follow."""
        board, name = self.columns, self.columns.name(column)
        key = self._setting_key(groups)
        values = {**self._sizes(), "groups": groups, "per_group": board.channels // groups}
        shape = self.trace.shape("input")
        yield Beat(key, partial(self._split, column), 0.6, round(0.3 * pace, 1), values=values)
        look = round(0.8 * pace, 1)
        mean, result = self.trace.step(f"{name}.mean", (0, 0)), self.trace.step(name, (0,) * len(shape))
        yield Beat(key, partial(board.statistics, column), 0.5, look, mean, values)
        yield Beat(key, partial(self._results, column), 0.5, look, result, values)

    def _setting_key(self, groups: int) -> str:
        if groups == 1:
            return "one_group"
        return "all_groups" if groups == self.trace.shape("input")[1] else "some_groups"

    def _column_headings(self, settings: list[int]) -> list[Heading]:
        shape = self.trace.shape("input")
        twins = {1: "LayerNorm"}
        if "instance_norm" in self.trace.tensors:
            twins[shape[1]] = "InstanceNorm"
        headings = [Heading("input", str(shape).replace(" ", ""))]
        for groups in settings:
            sizes = self.words("group_sizes", groups=groups, count=numbers_a_group(shape, groups))
            twin = self.words("same_statistics", layer=twins[groups]) if groups in twins else ""
            headings.append(Heading(f"num_groups={groups}", sizes, twin))
        return headings

    def _split(self, column: int) -> list[Animation]:
        frames, moves = self.columns.split(column)
        self.add(*frames)
        return moves

    def _results(self, column: int) -> list[Animation]:
        return [*self._point(self.columns.cursor, self.columns.around(column)), *self.columns.write(column)]

    def _five_steps(self) -> Iterator[Beat]:
        self.board = board = StepsBoard(self.look, self.trace, self._headings(), self._notes)
        self.add(*(grid for column in board.grids.values() for band in column for grid in band), board.labels)
        if not board.bands:
            yield Beat("empty", hold=2.0)
            return
        yield Beat(
            "partition", lambda: [Appear(frame) for frame in board.frames], 0.6, 0.7, values=self._sizes()
        )
        yield from self._statistic(1, "mean", "input")
        yield from self._elements(2, "centered", "input")
        yield from self._variance()
        yield from self._elements(4, "normalized", "centered")
        yield from self._elements(5, "output", "normalized")
        yield Beat("done", lambda: [Vanish(board.cursor), *board.light(0)], 0.4, values=self._sizes())

    def _headings(self) -> dict[str, str]:
        module: Any = self.trace.module
        affine = " + ".join(
            part for part, has in (("× weight", module.weight), ("bias", module.bias)) if has is not None
        )
        return {
            "input": str(self.trace.shape("input")).replace(" ", ""),
            "mean": "Σ / " + str(self._sizes()["count"]),
            "centered": "input − mean",
            "var": "√(var + eps)",
            "normalized": "centered / std",
            "output": affine or "= normalized",
        }

    def _notes(self, planner: Planner, plan: Plan) -> str:
        """What the table leaves out, if anything."""
        cells = plan.cells["input"]
        corner: dict[str, Any] = {"channels": plan.channels, "rows": cells.rows, "cols": cells.cols}
        notes = [
            (plan.bands < planner.sets, self.words("left_out", shown=plan.bands, total=planner.sets)),
            (not planner.is_whole(plan), self.words("corner", **corner)),
            (not plan.has_numbers, self.words("heat_map")),
        ]
        return " · ".join(note for needed, note in notes if needed)

    def _sizes(self) -> dict[str, Any]:
        shape, groups = self.trace.shape("input"), self.trace.shape("mean")[1]
        return {
            "samples": shape[0],
            "channels": shape[1],
            "groups": groups,
            "per_group": shape[1] // groups,
            "count": numbers_a_group(shape, groups),
        }

    def _statistic(self, number: int, tensor: str, source: str) -> Iterator[Beat]:
        """The first group's statistic in full, the others in a sweep."""
        sizes = self._sizes()
        gather = partial(self._gather, number, (tensor,), source)
        yield Beat(tensor, partial(gather, [0]), 0.6, 0.7, self._of_band(tensor, 0), sizes)
        for bands, seconds in self._sweep():
            yield Beat(
                f"{tensor}_all", partial(gather, bands), seconds, 0.0, self._of_band(tensor, bands[-1]), sizes
            )

    def _variance(self) -> Iterator[Beat]:
        """Variance, then its root with eps; the first group in full, the others in a sweep."""
        module: Any = self.trace.module
        values = {**self._sizes(), "eps": f"{module.eps:g}"}
        of_first = partial(self._gather, 3)
        yield Beat(
            "var", partial(of_first, ("var",), "centered", [0]), 0.6, 0.7, self._of_band("var", 0), values
        )
        yield Beat("std", partial(of_first, ("std",), "var", [0]), 0.5, 0.7, self._of_band("std", 0), values)
        gather = partial(self._gather, 3, ("var", "std"), "centered")
        for bands, seconds in self._sweep():
            yield Beat(
                "var_all", partial(gather, bands), seconds, 0.0, self._of_band("std", bands[-1]), values
            )

    def _of_band(self, tensor: str, band: int) -> Step:
        return self.trace.step(tensor, self.board.bands[band])

    def _elements(self, number: int, tensor: str, source: str) -> Iterator[Beat]:
        """One element in full, then group by group."""
        board = self.board
        grid = board.grids[tensor][0][0]
        step = self.trace.step(tensor, grid.index((0, 0)))
        key = self._affine_key() if tensor == "output" else tensor
        yield Beat(key, partial(self._write_first, number, tensor, source), 0.5, 0.7, step, self._sizes())
        runs = chunks(list(range(len(board.bands))), _SWEEPS)
        for bands in runs:
            yield Beat(
                f"{key}_all",
                partial(self._write, tensor, bands),
                round(0.6 / len(runs), 1),
                values=self._sizes(),
            )

    def _affine_key(self) -> str:
        module: Any = self.trace.module
        if module.weight is None:
            return "affine_off"
        fresh = bool((module.weight == 1).all()) and (module.bias is None or not bool(module.bias.any()))
        return "affine_fresh" if fresh else "affine"

    def _sweep(self) -> Iterator[tuple[list[int], float]]:
        runs = chunks(list(range(1, len(self.board.bands))), _SWEEPS)
        return zip(runs, (0.4, 0.3, 0.3), strict=False)

    def _gather(
        self, number: int, tensors: tuple[str, ...], source: str, bands: list[int]
    ) -> list[Animation]:
        """The cursor goes to what is read; the statistics fly out of it."""
        board = self.board
        flights = [board.write_statistic(tensor, band, source, 0.5) for band in bands for tensor in tensors]
        return [*self._point(board.cursor, board.around(source, bands[-1])), *flights, *board.light(number)]

    def _write_first(self, number: int, tensor: str, source: str) -> list[Animation]:
        board = self.board
        return [
            *self._point(board.cursor, board.around_first(tensor)),
            *board.write_first(tensor, source),
            *board.light(number),
        ]

    def _write(self, tensor: str, bands: list[int]) -> list[Animation]:
        board = self.board
        return [
            *self._point(board.cursor, board.around(tensor, bands[-1])),
            *board.write_elements(tensor, bands, 0.3),
        ]

    def _point(self, cursor: Shape, path: np.ndarray) -> list[Animation]:
        if cursor in self.mobjects:
            return [Morph(cursor, path)]
        cursor.points = path
        return [Appear(cursor)]


class Normalization(OperatorScene):
    """One input, four layers: which elements share a mean and a variance."""

    operator = COMPARISON

    def call(self) -> list[tuple[str, bool]]:
        pieces = [(f"input {self.trace.shape('input')}".replace("(", "(N, C, *) = (", 1), False)]
        return [*pieces, (f"  num_groups={self._groups}", True)]

    def story(self) -> Iterator[Beat]:
        shape = self.trace.shape("input")
        sets = partitions(shape, self._groups)
        self.panels = [
            Panel(self.look, self.trace, layer, sets[layer], number) for number, layer in enumerate(LAYERS)
        ]
        self.frame = Shape(self.panels[0].outline(), stroke=self.look.theme.accent, stroke_width=3.6)
        for panel in self.panels:
            self.add(panel.block, panel.labels, panel.values)
        key = "input_corner" if self.panels[0].cropped else "input"
        yield Beat(key, run_time=0.1, hold=1.0, values={"count": math.prod(shape)})
        for number, panel in enumerate(self.panels):
            yield from self._layer(panel, number)
        yield Beat("done", lambda: [Vanish(self.frame)], 0.4, values={"groups": self._groups})

    @property
    def _groups(self) -> int:
        return int(self.trace.call.get("num_groups", 1))

    def _layer(self, panel: Panel, number: int) -> Iterator[Beat]:
        layer, values = panel.layer, self._facts(panel)
        mean = self.trace.step(f"{layer}.mean", panel.first)
        yield Beat(layer, partial(self._enter, panel, number), 0.6, 0.9, mean, values)
        rest = [owner for owner in panel.visible_sets() if owner != panel.first]
        variance = self.trace.step(f"{layer}.var", panel.first)
        for sets in chunks(rest, _SWEEPS):
            yield Beat(layer, partial(self._sweep, panel, sets), 0.2, 0.0, variance, values)
        yield Beat(layer, run_time=0.1, hold=0.6, formula=variance, values=values)

    def _facts(self, panel: Panel) -> dict[str, Any]:
        shape = self.trace.shape("input")
        axes = {3: "L", 4: "H, W", 5: "D, H, W"}[len(shape)]
        return {
            "axes": axes,
            "sets": math.prod(panel.partition.sets),
            "size": panel.partition.size,
            "groups": self._groups,
            "samples": shape[0],
            "channels": shape[1],
        }

    def _enter(self, panel: Panel, number: int) -> list[Animation]:
        values = self._facts(panel)
        facts = panel.facts(self.words(f"share_{panel.layer}", **values), self.words("sets", **values))
        move = Morph(self.frame, panel.outline()) if number else Appear(self.frame)
        return [move, *panel.raise_name(), *panel.light([panel.first]), Appear(facts)]

    def _sweep(self, panel: Panel, sets: list[tuple[int, ...]]) -> list[Animation]:
        return panel.light(sets)


def chunks(items: list[T], most: int) -> list[list[T]]:
    """Items in order, in at most `most` runs of about equal length."""
    if not items:
        return []
    size = -(-len(items) // most)
    return [items[start : start + size] for start in range(0, len(items), size)]
