"""Embeddings: an id is the number of a row in a table; the row is copied, or added up with the others of its bag."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from functools import cached_property, partial
from typing import Any

from manim import Animation, VGroup
from torch import Tensor

from torchreel.assets.examples import DEFAULT
from torchreel.scenes.parts.motion import Appear, Vanish, sweep_times
from torchreel.scenes.sparse import operators
from torchreel.scenes.sparse.board import Lookup, TableBoard
from torchreel.scenes.sparse.trace import Bags
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Index, Token


class _Sparse(OperatorScene):
    """What looking up has in common: the board, and which sentences a large call needs."""

    board: TableBoard

    def values(self) -> dict[str, object]:
        module: Any = self.trace.module
        rows, width = module.weight.shape
        return {"rows": rows, "width": width, "padding": module.padding_idx}

    def _table(self) -> str:
        return "renormed" if "renormed" in self.trace.tensors else "weight"

    def _reading(self) -> tuple[str, ...]:
        lookups = math.prod(self.trace.shape("input"))
        needed = {
            "renormed": self._table() == "renormed",
            "cropped": self.board.is_cropped(lookups),
            "heat": not self.board.has_numbers,
        }
        return tuple(key for key, needs in needed.items() if needs)

    def _point(self, lookup: int) -> Iterable[Animation]:
        return self.board.point(lookup)

    def _clear(self) -> list[Animation]:
        shown = [pointer for pointer in self.board.pointers if len(pointer.points)]
        return [Vanish(*shown)] if shown else []


class Embedding(_Sparse):
    """Two lookups step by step, the rest quicker; with a padding row also the gradient that passes it by."""

    operator = operators.Embedding

    def story(self) -> Iterator[Beat]:
        ids: Any = self.trace.tensors["input"]
        indices: list[Index] = list(itertools.product(*map(range, ids.shape)))
        groups = [index[0] if ids.ndim > 1 else 0 for index in indices]
        lookups = [
            Lookup(index, int(ids[index]), group) for index, group in zip(indices, groups, strict=True)
        ]
        self.board = board = TableBoard(self.look, self.trace, self._table(), lookups, indices, bags=False)
        self.add(board.scenery())
        yield Beat(
            "start", run_time=1.8, formula=[Token("output[…, d] = weight[input[…], d]")], also=self._reading()
        )
        for number in range(min(2, len(board.lookups))):
            yield from self._in_full(number)
        rest = range(2, len(board.lookups))
        for number, seconds in zip(rest, sweep_times(len(rest), 0.7, 0.4), strict=True):
            step = self.trace.step("output", (*board.lookups[number].index, 0))
            yield Beat(self._kind("sweep", number), partial(self._copy, number, False), seconds, 0.1, step)
        if "grad" in self.trace.tensors:
            yield from self._gradient()
        else:
            yield Beat("done", self._clear, 0.3, 1.2)

    def _kind(self, key: str, number: int) -> str:
        padding = self.values()["padding"]
        return f"{key}_padding" if padding is not None and self.board.lookups[number].row == padding else key

    def _in_full(self, number: int) -> Iterator[Beat]:
        one = self.board.lookups[number]
        values: dict[str, object] = {"id": one.row}
        yield Beat("look", partial(self._point, number), 0.5, 1.0 if number == 0 else 0.3, values=values)
        step = self.trace.step("output", (*one.index, 0))
        yield Beat(self._kind("copy", number), partial(self._copy, number, True), 0.7, 1.0, step, values)

    def _copy(self, number: int, flies: bool) -> Iterable[Animation]:
        return [
            *self.board.point(number),
            *self.board.target(number),
            *self.board.copy(number, number, flies),
        ]

    def _gradient(self) -> Iterator[Beat]:
        """The gradient of the output's sum stands where the output stood."""
        padding = int(str(self.values()["padding"]))
        used = next((one.row for one in self.board.lookups if one.row != padding), padding)
        uses = {"id": used, "uses": self.text("grad", self.trace.value("grad", (used, 0)))}
        yield Beat("grad", self._open_gradient, 0.5, 1.4, self._uses(used), uses)
        key = "grad_padding" if padding in {one.row for one in self.board.lookups} else "grad_unused"
        yield Beat(key, partial(self._mark, padding), 0.4, 1.2, self._uses(padding))

    def _uses(self, row: int) -> list[Token]:
        value = self.trace.value("grad", (row, 0))
        return [Token(f"grad[{row}, 0] = "), Token(self.text("grad", value), "grad", (row, 0), value)]

    def _open_gradient(self) -> Iterable[Animation]:
        board = self.board
        written = [number for row in board.rows for number in row.numbers.values()]
        self.remove(*board.rows, *written, *board.pointers, board.output_label)
        self.grad = board.beside("grad")
        label = self.grad.caption(f"grad {self.trace.shape('grad')}")
        return [Appear(self.grad, *board.row_numbers(self.grad), label)]

    def _mark(self, row: int) -> Iterable[Animation]:
        return [Appear(frame) for frame in self.board.frames(row, self.board.table, self.grad)]


class EmbeddingBag(_Sparse):
    """The first bag comes together row by row, the others quicker; the mean is divided at the end of each bag."""

    operator = operators.EmbeddingBag

    @cached_property
    def told_as(self) -> str:
        """What is said of adding up, averaging or the largest follows the mode."""
        module: Any = self.trace.module
        name = super().told_as
        by_mode = {"sum": DEFAULT, "mean": "mean", "max": "max"}
        return by_mode[module.mode] if name in by_mode.values() else name

    def story(self) -> Iterator[Beat]:
        self.bags = bags = self._bags()
        ids: Any = self.trace.tensors["input"]
        lookups = [self._lookup(ids, position) for position in range(ids.numel())]
        outputs: list[Index] = [(bag,) for bag in range(len(bags.count))]
        self.board = TableBoard(self.look, self.trace, self._table(), lookups, outputs, bags=True)
        self.running = VGroup()
        self.add(self.board.scenery())
        yield Beat("start", run_time=1.8, formula=self._law(), also=self._reading())
        shown = range(len(self.board.rows))
        for bag in shown[:1]:
            yield from self._in_full(bag)
        for bag, seconds in zip(shown[1:], sweep_times(len(shown[1:]), 0.7, 0.4), strict=True):
            yield from self._in_brief(bag, seconds)
        yield Beat("done", self._clear, 0.3, 1.0)

    def values(self) -> dict[str, object]:
        module: Any = self.trace.module
        return {**super().values(), "bags": self.trace.shape("output")[0], "mode": module.mode}

    def _bags(self) -> Bags:
        ids: Any = self.trace.tensors["input"]
        offsets: Any = self.trace.tensors.get("offsets")
        return Bags.of(self.trace.module, ids, offsets)

    def _lookup(self, ids: Tensor, position: int) -> Lookup:
        index = (position,) if ids.ndim == 1 else divmod(position, ids.shape[1])
        return Lookup(index, int(ids[index]), int(self.bags.owners[position]))

    def _law(self) -> list[Token]:
        step = self.trace.step("output", (0, 0))
        return [Token(f"output = {step.formula.symbols()}")]

    def _members(self, bag: int) -> list[int]:
        """The drawn positions of a bag that count."""
        found = self.bags.members[bag][~self.bags.absent[bag]].tolist()
        return [position for position in found if position < len(self.board.lookups)]

    def _in_full(self, bag: int) -> Iterator[Beat]:
        members = self._members(bag)
        left_out = [k for k, one in enumerate(self.board.lookups) if one.group == bag and k not in members]
        for place, position in enumerate(members):
            values: dict[str, object] = {"id": self.board.lookups[position].row, "bag": bag}
            key = "first" if place == 0 else "next"
            yield Beat(f"{key}_look", partial(self._point, position), 0.5, 0.8, values=values)
            yield Beat(
                key, partial(self._gather, bag, place, position), 0.7, 1.0, self._so_far(bag, place), values
            )
        for position in left_out:
            yield Beat("skipped", partial(self._point, position), 0.4, 1.0, values={"bag": bag})
        yield Beat("together", partial(self._finish, bag), 0.4, 1.2, self.trace.step("output", (bag, 0)),
                   {"bag": bag, "count": len(members)})  # fmt: skip

    def _in_brief(self, bag: int, seconds: float) -> Iterator[Beat]:
        for place, position in enumerate(self._members(bag)):
            step = self._so_far(bag, place)
            yield Beat("others", partial(self._gather, bag, place, position), seconds, 0.2, step)
        key = "others" if self._members(bag) else "empty_bag"
        hold = 0.3 if self._members(bag) else 1.0
        yield Beat(
            key, partial(self._finish, bag), 0.3, hold, self.trace.step("output", (bag, 0)), {"bag": bag}
        )

    def _so_far(self, bag: int, place: int) -> Any:
        return self.trace.step("running", (bag, place, 0)) if "running" in self.trace.tensors else None

    def _gather(self, bag: int, place: int, position: int) -> Iterable[Animation]:
        """The row of an id flies to its bag, where what has come together so far is written."""
        moves = [*self.board.point(position), *self.board.target(bag)]
        if "running" not in self.trace.tensors:
            return moves
        self.remove(self.running)
        flights, numbers = self.board.gathered(position, bag, place)
        self.running = VGroup(*numbers)
        return [*moves, *flights]

    def _finish(self, bag: int) -> Iterable[Animation]:
        self.remove(self.running)
        return [*self.board.target(bag), *self.board.write(bag)]
