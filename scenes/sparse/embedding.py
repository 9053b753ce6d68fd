"""Embeddings: an id is the number of a row in a table; the row is copied, or added up with the others of its bag."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from manim import Animation

from torchreel.scenes.parts.motion import Appear
from torchreel.scenes.parts.places import Place, Places, around
from torchreel.scenes.parts.pointer import Pointer
from torchreel.scenes.sparse import operators
from torchreel.scenes.sparse.board import TableBoard
from torchreel.scenes.sparse.links import GradientLinks, Links
from torchreel.scenes.sparse.shown import Lookup, bags, samples
from torchreel.scenes.sparse.trace import Bags
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace import notation
from torchreel.scenes.trace.formula import Index, Token
from torchreel.scenes.trace.proof import Step

_SLOW = 2
_APART = 0.02


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
            f"{name} {k}": places for name, found in sources.items() for k, places in enumerate(_runs(found))
        }
        pointer = Pointer(self.look, target, apart)
        own = self.lookups_of(number)
        return pointer.add(Links(self.look, self.board, own, number, self.sign(own)))

    def sign(self, lookups: Sequence[int]) -> str:
        """What the rows of some lookups meet in; nothing where a row is only copied."""
        return ""

    def selects(self, tensor: str, index: Index) -> list[tuple[str, Index]]:
        """The ids, which name the rows that are copied or added up."""
        rows = [self.board.row(number) for number in range(len(self.board.rows))]
        number = next((k for k, row in enumerate(rows) if (tensor, index) in row), None)
        return [] if number is None else self.board.involved(self.lookups_of(number))

    def _table(self) -> str:
        return "renormed" if "renormed" in self.trace.tensors else "weight"

    def _left_out(self) -> str:
        """What is not drawn, in numbers."""
        board, shape = self.board, self.trace.shape(self.board.table.tensor)
        lookups = math.prod(self.trace.shape("input"))
        counts = {
            "ids_of": (len(board.lookups), lookups),
            "bags_of": (len(board.rows), self.trace.shape("output")[0] if board.bags else len(board.rows)),
            "rows_of": (board.table.cells.rows, shape[0]),
            "columns_of": (board.table.cells.cols, shape[1]),
        }
        said = [self.words("renormed")] if self._table() == "renormed" else []
        said += [
            self.words(key, shown=shown, total=total)
            for key, (shown, total) in counts.items()
            if shown < total
        ]
        return " · ".join([*said, *([] if board.has_numbers else [self.words("heat_map")])])


def _runs(found: Sequence[Place]) -> Iterator[list[Place]]:
    """Places of lines that follow one another, together."""
    lines: dict[float, list[Place]] = {}
    for place in found:
        lines.setdefault(round(place.bottom, 3), []).append(place)
    run: list[Place] = []
    for bottom in sorted(lines, reverse=True):
        if run and abs(run[-1].bottom - lines[bottom][0].top) > _APART:
            yield run
            run = []
        run += lines[bottom]
    if run:
        yield run


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
        kept = [int(str(self.values()["padding"]))] if "grad" in self.trace.tensors else []
        self.board = board = TableBoard(
            self.look, self.trace, self._table(), samples(lookups), indices, bags=False, kept=kept
        )
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

    def formula_tokens(self, step: Step, most: int = 9) -> list[Token]:
        """A whole row, as it is framed: of the id's place, of its row of the table, in numbers."""
        if step.tensor != "output":
            return super().formula_tokens(step, most)
        *place, _ = step.index
        number = next(k for k, one in enumerate(self.board.lookups) if one.index == tuple(place))
        table, row = self._table(), self.board.lookups[number].row
        leading = next((k for k, size in enumerate(self.trace.shape("input")) if size != 1), len(place))
        own = ",".join(map(str, place[leading:]))
        output, id_ = (f"output_{{{own}}}", f"x({own})") if own else ("output", "x")
        head = Token(f"{output} = {table}_{{{id_}}} = {table}_{{{row}}} = ")
        for count in range(min(most, self.trace.shape("output")[-1]), 0, -1):
            tokens = [head, *self._row_tokens(step.index[:-1], count)]
            if self.formula_bar.width(list(notation.respelled(self.trace, tokens))) <= 1:
                break
        return tokens

    def _row_tokens(self, place: Index, count: int) -> Iterator[Token]:
        """The first numbers of a row of the output, between brackets."""
        for column in range(count):
            yield Token(", " if column else "(")
            at = (*place, column)
            value = self.trace.value("output", at)
            yield Token(self.text("output", value), "output", at, value)
        yield Token(")" if count == self.trace.shape("output")[-1] else ", …)")

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

    def pointing_at(self, step: Step) -> Pointer | None:
        """Of the gradient, the ids that used its row, too."""
        pointer = super().pointing_at(step)
        if step.tensor != "grad" or pointer is None:
            return pointer
        board, used = self.board, self._users(step.index[0])
        ids = Places(self.staged).of(self.selects(step.tensor, step.index))
        framed = (Pointer(self.look, place, {}) for place in ids.get("input", []))
        return pointer.add(*framed, GradientLinks(self.look, board, used, self.grad))

    def selects(self, tensor: str, index: Index) -> list[tuple[str, Index]]:
        """The ids, which name the rows; of a gradient those that used its row."""
        if tensor != "grad":
            return super().selects(tensor, index)
        return [("input", self.board.lookups[number].index) for number in self._users(index[0])]

    def _users(self, row: int) -> list[int]:
        """The drawn lookups of a row."""
        return [number for number, one in enumerate(self.board.lookups) if one.row == row]

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

    def story(self) -> Iterator[Beat]:
        self.bags = self._bags()
        contents = [[self._lookup(position) for position in found] for found in self.bags.contents()]
        outputs = [(bag,) for bag in range(self.trace.shape("output")[0])]
        self.board = board = TableBoard(
            self.look, self.trace, self._table(), bags(contents), outputs, bags=True
        )
        if notes := self._left_out():
            self.add(board.note(notes))
        self.add(board.scenery())
        yield Beat("start")
        told = [bag for bag in range(len(board.rows)) if self.counts(bag)]
        key = "start"
        for place, bag in enumerate([*told, *(bag for bag in range(len(board.rows)) if bag not in told)]):
            step, swept = self.trace.step("output", (bag, 0)), place > _SLOW and bool(self.counts(bag))
            kind = "none" if not self.counts(bag) else "first" if place == 0 else "others"
            look, write = partial(self.point_at, step), partial(board.write, bag)
            swept = swept or kind == key == "none"
            yield Beat(kind, write, 0.4, 0.0 if swept else 1.2, step, look=look, sweep=swept)
            key = kind
        yield Beat("done", self.leave, 0.1)

    def counts(self, bag: int) -> int:
        """How many ids of a bag count."""
        return int(self.bags.count[bag])

    def law(self) -> Sequence[Token]:
        if not self.has_values():
            return []
        rows = f"{self._table()}_{{x(i)}}"
        if "per_sample_weights" in self.trace.tensors:
            rows = f"per_sample_weights_{{i}}·{rows}"
        mode = self.values()["mode"]
        joined, by = "max" if mode == "max" else "Σ", " / count_{b}" if mode == "mean" else ""
        return [Token(f"output_{{b}} = {joined}_{{i∈b}} {rows}{by}")]

    def formula_tokens(self, step: Step, most: int = 9) -> list[Token]:
        """A bag of one row says which."""
        tokens = super().formula_tokens(step, most)
        table = [index for name, index in step.reads if name == self._table()]
        if step.tensor == "output" and len(table) == 1 and len(tokens) == 3:
            return [*tokens[:2], notation.head(self.trace, self._table(), table[0]), *tokens[1:]]
        return tokens

    def pointing_at(self, step: Step) -> Pointer | None:
        """In the framed rows the column that the formula is of."""
        pointer, places = super().pointing_at(step), Places(self.staged)
        if pointer is None or step.tensor != "output" or not self.board.has_numbers:
            return pointer
        cells = [("output", step.index), *((name, at) for name, at in step.reads if name == self._table())]
        found = [place for cell in cells if (place := places[cell]) is not None]
        return pointer.add(*(self.board.inner_frame(place) for place in found))

    def figure(self) -> Step | None:
        """The first bag of several rows, or else of one."""
        if not self.has_values():
            return None
        drawn = range(len(self.board.rows)) if hasattr(self, "board") else range(1)
        bag = max(drawn, key=lambda one: min(self.counts(one), 2)) if hasattr(self, "bags") else 0
        return self.trace.step("output", (bag, 0))

    def lookups_of(self, number: int) -> list[int]:
        """The drawn positions of a bag that count."""
        found = set(self.bags.members[number][~self.bags.absent[number]].tolist())
        return [
            place
            for place, one in enumerate(self.board.lookups)
            if one.group == number and self._position(one) in found
        ]

    def sign(self, lookups: Sequence[int]) -> str:
        module: Any = self.trace.module
        if self.board.weighted and lookups:
            return "Σ a·w"
        return {"sum": "+"}.get(module.mode, module.mode) if len(lookups) > 1 else ""

    def values(self) -> dict[str, object]:
        module: Any = self.trace.module
        return {**super().values(), "bags": self.trace.shape("output")[0], "mode": module.mode}

    def _bags(self) -> Bags:
        ids: Any = self.trace.tensors["input"]
        offsets: Any = self.trace.tensors.get("offsets")
        return Bags.of(self.trace.module, ids, offsets)

    def _lookup(self, position: int) -> Lookup:
        ids: Any = self.trace.tensors["input"]
        index = (position,) if ids.ndim == 1 else divmod(position, ids.shape[1])
        return Lookup(index, int(ids[index]), int(self.bags.owners[position]))

    def _position(self, one: Lookup) -> int:
        """Where an id stands among all."""
        ids: Any = self.trace.tensors["input"]
        return one.index[0] if ids.ndim == 1 else one.index[0] * ids.shape[1] + one.index[1]
