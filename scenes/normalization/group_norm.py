"""GroupNorm: the steps, and in the example `groups` the same input for one num_groups after another."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from manim import Animation

from torchreel.scenes.normalization import operators
from torchreel.scenes.normalization.groups import GroupsBoard, Heading, numbers_a_group
from torchreel.scenes.normalization.layer_norm import FiveSteps
from torchreel.scenes.normalization.numbered import pointed
from torchreel.scenes.parts.motion import Vanish
from torchreel.scenes.stage.beats import Beat


class GroupNorm(FiveSteps):
    """Five steps over all groups; the example `groups` compares the partitions of several num_groups instead."""

    kind = "group"
    operator = operators.GroupNorm

    def story(self) -> Iterator[Beat]:
        return self._regrouped() if self._settings() else super().story()

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

    def values(self) -> dict[str, Any]:
        shape, groups = self.trace.shape("input"), self.sets.sets[1]
        return {**super().values(), "samples": shape[0], "channels": shape[1], "groups": groups,
                "per_group": shape[1] // groups}  # fmt: skip

    def _settings(self) -> list[int]:
        """The values of num_groups whose results the trace holds, if it is the one of the example `groups`."""
        named = (name.partition("=")[2] for name in self.trace.tensors if "=" in name and "." not in name)
        return [int(groups) for groups in named] if self.trace.shape("input")[0] else []

    def _regrouped(self) -> Iterator[Beat]:
        settings = self._settings()
        board = self.regrouping = GroupsBoard(
            self.look, self.trace, settings, self._column_headings(settings), self._row_note
        )
        self.add(*(grid for column in board.grids for grid in column), board.labels)
        yield Beat("regroup", run_time=0.1, hold=1.2, values=self.values())
        for column, groups in enumerate(settings, 1):
            yield from self._setting(column, groups, 1.0 if len(settings) < 4 else 0.7)
        yield Beat("regrouped", lambda: [Vanish(board.cursor)], 0.4, values=self.values())

    def _row_note(self, rows: int) -> str:
        """Which samples and channels the columns leave out, if any."""
        sizes = self.values()
        notes = [
            (sizes["samples"] > 1, self.words("one_sample", **sizes)),
            (rows < sizes["channels"], self.words("left_out_rows", rows=rows, **sizes)),
        ]
        return " · ".join(note for needed, note in notes if needed)

    def _setting(self, column: int, groups: int, pace: float) -> Iterator[Beat]:
        """One num_groups: the channels regroup, each group gets its statistics, the numbers follow."""
        board, name = self.regrouping, self.regrouping.name(column)
        key = self._setting_key(groups)
        values = {**self.values(), "groups": groups, "per_group": board.channels // groups}
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
        frames, moves = self.regrouping.split(column)
        self.add(*frames)
        return moves

    def _results(self, column: int) -> list[Animation]:
        return [
            *pointed(self, self.regrouping.cursor, self.regrouping.around(column)),
            *self.regrouping.write(column),
        ]
