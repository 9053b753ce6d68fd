"""Embeddings: an id is the number of a row in a table; the row is copied, or added up with the others of its bag."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from functools import cached_property, partial
from typing import Any

from manim import Animation
from torch import Tensor

from torchreel.assets.examples import DEFAULT
from torchreel.scenes.parts.motion import Appear
from torchreel.scenes.parts.places import Places, around
from torchreel.scenes.parts.pointer import Pointer
from torchreel.scenes.sparse import operators
from torchreel.scenes.sparse.board import Lookup, TableBoard
from torchreel.scenes.sparse.trace import Bags
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Index, Token
from torchreel.scenes.trace.proof import Step

_SLOW = 2


class _Sparse(OperatorScene):
    """What looking up has in common: the board, a pointer to ids, rows and output, and what is left out."""

    board: TableBoard

    def values(self) -> dict[str, object]:
        module: Any = self.trace.module
        rows, width = module.weight.shape
        return {"rows": rows, "width": width, "padding": module.padding_idx}

    def lookups_of(self, number: int) -> list[int]:
        """The lookups that a row of the output comes of."""
        raise NotImplementedError

    def pointing_at(self, step: Step) -> Pointer | None:
        """Whole rows are framed: of the table, and of the output."""
        if step.tensor != "output":
            return super().pointing_at(step)
        places = Places(self.staged)
        rows = [self.board.row(number) for number in range(len(self.board.rows))]
        number = next((k for k, row in enumerate(rows) if ("output", step.index) in row), None)
        if number is None:
            return None
        target = around(places.of(rows[number])["output"])
        sources = places.of(self.board.involved(self.lookups_of(number)))
        apart = {
            f"{name} {k}": places for name, found in sources.items() for k, places in self._rows(name, found)
        }
        main = next((name for name in apart if name.startswith(self.board.table.tensor)), "")
        return Pointer(self.look, target, apart, main, self._standing_texts())

    def selects(self, tensor: str, index: Index) -> list[tuple[str, Index]]:
        """The ids, which name the rows that are copied or added up."""
        rows = [self.board.row(number) for number in range(len(self.board.rows))]
        number = next((k for k, row in enumerate(rows) if (tensor, index) in row), None)
        return [] if number is None else self.board.involved(self.lookups_of(number))

    def _rows(self, name: str, found: Sequence[Any]) -> Iterator[tuple[int, list[Any]]]:
        """Places that stand in one line, together."""
        lines: dict[float, list[Any]] = {}
        for place in found:
            lines.setdefault(round(place.bottom, 3), []).append(place)
        yield from enumerate(lines.values())

    def _table(self) -> str:
        return "renormed" if "renormed" in self.trace.tensors else "weight"

    def _left_out(self) -> str:
        lookups = math.prod(self.trace.shape("input"))
        needed = {
            "renormed": self._table() == "renormed",
            "cropped": self.board.is_cropped(lookups),
            "heat_map": not self.board.has_numbers,
        }
        return " · ".join(self.words(key) for key, needs in needed.items() if needs)


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
        if notes := self._left_out():
            self.add(board.note(notes))
        self.add(board.scenery())
        yield Beat("start")
        key = "start"
        for number in range(len(board.lookups)):
            swept = number >= _SLOW
            key = key if swept else self._kind(number)
            step = self.step(number)
            look, write = partial(self.point_at, step), partial(board.write, number)
            yield Beat(key, write, 0.4, 0.0 if swept else 1.0, step, look=look, sweep=swept)
        if "grad" in self.trace.tensors:
            yield from self._gradient()
        else:
            yield Beat("done", self.leave, 0.1)

    def law(self) -> Sequence[Token]:
        return [Token(f"output_{{i}} = {self._table()}_{{x(i)}}")]

    def figure(self) -> Step | None:
        """The second lookup; of a gradient that of a row that was used."""
        if "grad" in self.trace.tensors:
            return self.trace.step("grad", (self._used, 0))
        return self.step(min(1, len(self.board.lookups) - 1))

    def step(self, lookup: int) -> Step:
        """The first number of a lookup's row of the output."""
        return self.trace.step("output", (*self.board.lookups[lookup].index, 0))

    def lookups_of(self, number: int) -> list[int]:
        return [number]

    def _kind(self, number: int) -> str:
        padding = self.values()["padding"]
        is_padding = padding is not None and self.board.lookups[number].row == padding
        return "copy_padding" if is_padding else "copy"

    @property
    def _used(self) -> int:
        """A lookup that alone moves its row, if there is one; at least not the padding row."""
        padding, rows = int(str(self.values()["padding"])), [one.row for one in self.board.lookups]
        moved = [number for number, row in enumerate(rows) if row != padding]
        return next((number for number in moved if rows.count(rows[number]) == 1), [*moved, 0][0])

    def _gradient(self) -> Iterator[Beat]:
        """The gradient of the output's sum stands where the output stood."""
        yield Beat("grad", self._open_gradient, 0.4, 1.0, ())

    def _open_gradient(self) -> list[Animation]:
        board = self.board
        written = [number for row in board.rows for number in row.numbers.values()]
        self.remove(*board.rows, *written, self.marked, board.output_label)
        self.grad = board.beside("grad")
        label = board.title("grad", (self.grad.middle[0], self.grad.origin[1] + 0.18))
        return [Appear(self.grad, *board.row_numbers(self.grad), label)]


class EmbeddingBag(_Sparse):
    """The first bag slowly, then the next, then the others: the rows of a bag become one."""

    operator = operators.EmbeddingBag

    @cached_property
    def told_as(self) -> str:
        """What is said of adding up, averaging or the largest follows the mode."""
        module: Any = self.trace.module
        name = super().told_as
        by_mode = {"sum": DEFAULT, "mean": "mean", "max": "max"}
        return by_mode[module.mode] if name in by_mode.values() else name

    def story(self) -> Iterator[Beat]:
        self.bags = self._bags()
        ids: Any = self.trace.tensors["input"]
        lookups = [self._lookup(ids, position) for position in range(ids.numel())]
        outputs = [(bag,) for bag in range(self.trace.shape("output")[0])]
        self.board = board = TableBoard(self.look, self.trace, self._table(), lookups, outputs, bags=True)
        if notes := self._left_out():
            self.add(board.note(notes))
        self.add(board.scenery())
        yield Beat("start")
        for bag in range(len(board.rows)):
            step, swept = self.trace.step("output", (bag, 0)), bag > _SLOW
            key = "first" if bag == 0 else "others"
            look, write = partial(self.point_at, step), partial(board.write, bag)
            yield Beat(key, write, 0.4, 0.0 if swept else 1.2, step, look=look, sweep=swept)
        yield Beat("done", self.leave, 0.1)

    def law(self) -> Sequence[Token]:
        return [Token(f"output = {self.trace.step('output', (0, 0)).formula.symbols()}")]

    def figure(self) -> Step | None:
        """The first bag."""
        return self.trace.step("output", (0, 0))

    def lookups_of(self, number: int) -> list[int]:
        """The drawn positions of a bag that count."""
        found = self.bags.members[number][~self.bags.absent[number]].tolist()
        return [position for position in found if position < len(self.board.lookups)]

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
