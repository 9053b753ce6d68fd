"""GroupNorm: the steps, and in the example `groups` the same input for one num_groups after another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from manim import Animation

from torchreel.scenes.normalization import operators
from torchreel.scenes.normalization.five_steps import FiveSteps
from torchreel.scenes.normalization.groups import GroupsBoard, Heading, numbers_a_group
from torchreel.scenes.parts.look import Stroke
from torchreel.scenes.parts.places import Places
from torchreel.scenes.parts.pointer import Pointer
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.trace.formula import Index, Token
from torchreel.scenes.trace.proof import Step


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
        yield Beat("regroup", run_time=0.1, values=self.values())
        for column, groups in enumerate(settings, 1):
            yield from self._setting(column, groups)
        yield Beat("regrouped", run_time=0.3, look=board.mark, values=self.values())

    def law(self) -> Sequence[Token]:
        """The definition; the example `groups` is about the statistics."""
        if not self._settings():
            return super().law()
        return self._law(f"(input − mean) / √(var + {self._eps})")

    def figure(self) -> Step | None:
        """The first result of the setting whose groups are neither all channels nor one."""
        if not self._settings():
            return super().figure()
        return self.trace.step(f"num_groups={self._middle}", (0,) * len(self.trace.shape("input")))

    def pointing_at(self, step: Step) -> Pointer | None:
        """The element, its result, and the statistics of its group."""
        if not self._settings():
            return super().pointing_at(step)
        board, column = self.regrouping, self._settings().index(self._middle) + 1
        places = Places(self.mobjects)
        if (target := places[(step.tensor, step.index)]) is None:
            return None
        statistics = (board.around_group(column, 0, name) for name in ("mean", "var"))
        paths = (board.around(0), *statistics)
        return Pointer(self.look, target, {}).add(*(board.frame(path, Stroke.SOURCE, 3) for path in paths))

    @property
    def _middle(self) -> int:
        """The setting that the last picture explains."""
        settings = self._settings()
        return settings[len(settings) // 2]

    def _row_note(self, shown: Index) -> str:
        """What the columns leave out, if anything."""
        whole = self.trace.shape("input")
        return self._note(shown, whole)

    def _setting(self, column: int, groups: int) -> Iterator[Beat]:
        """One num_groups: the channels regroup, each group gets its statistics, the numbers follow."""
        board, name = self.regrouping, self.regrouping.name(column)
        key = self._setting_key(groups)
        values = {**self.values(), "groups": groups, "per_group": board.channels // groups}
        mean = self.trace.step(f"{name}.mean", (0, 0))
        result = self.trace.step(name, (0,) * len(self.trace.shape("input")))
        yield Beat(key, partial(self._split, column), 0.3, 0.3, values=values, look=board.mark)
        yield Beat(
            key, partial(self._statistics, column), 0.3, 0.6, mean, values,
            look=partial(board.mark, board.around_group(column, 0), board.around_group(column, 0, "mean")),
        )  # fmt: skip
        yield Beat(
            key, partial(board.write, column), 0.3, 0.6, sweep=True, formula=result, values=values,
            look=board.mark,
        )  # fmt: skip

    def _setting_key(self, groups: int) -> str:
        if groups == 1:
            return "one_group"
        return "all_groups" if groups == self.trace.shape("input")[1] else "some_groups"

    def _column_headings(self, settings: list[int]) -> list[Heading]:
        shape = self.trace.shape("input")
        twins = {1: "LayerNorm"}
        if "instance_norm" in self.trace.tensors:
            twins[shape[1]] = "InstanceNorm"
        headings = [Heading("input", str(shape))]
        for groups in settings:
            sizes = self.words("group_sizes", groups=groups, count=numbers_a_group(shape, groups))
            twin = self.words("same_statistics", layer=twins[groups]) if groups in twins else ""
            headings.append(Heading(f"num_groups={groups}", sizes, twin))
        return headings

    def _split(self, column: int) -> list[Animation]:
        return [*self.regrouping.split(column), *self.regrouping.cards(column)]

    def _statistics(self, column: int) -> list[Animation]:
        board = self.regrouping
        return [move for group in board.groups(column) for move in board.statistics(column, group)]
