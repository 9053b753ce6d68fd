"""Padding: a border round the input, and where each of its values comes from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from manim import Animation, VGroup
from torch import nn

from torchreel.scenes.formula import Token
from torchreel.scenes.operator import Inputs, Operator, Settings
from torchreel.scenes.padding_axes import CONSTANT, Axis
from torchreel.scenes.padding_board import Board, Position
from torchreel.scenes.padding_trace import check_padding, record_padding
from torchreel.scenes.parts.motion import Appear, Morph, Vanish
from torchreel.scenes.stage import Beat, OperatorScene
from torchreel.scenes.trace import Step

_DOCS = "https://docs.pytorch.org/docs/stable/generated/torch.nn."
_KINDS = ("line", "plane", "block")
_MOST_SLOW, _MOST_ROWS = 4, 4


def _operator(module: type[nn.Module], dims: int) -> Operator:
    name = module.__name__

    def check(settings: Settings, inputs: Inputs) -> None:
        check_padding(name, settings, inputs, dims)

    return Operator(module, record_padding, "padding", f"{_DOCS}{name}.html", check)


class _Padding(OperatorScene):
    """The input is put on a larger canvas; then the sides are filled in torch's order."""

    def story(self) -> Iterator[Beat]:
        self.board = board = Board(self.look, self.trace)
        self.arcs = VGroup()
        self.add(board.scenery())
        yield Beat(f"start_{self._kind}", run_time=1.5, formula=self._law(), also=self._reading())
        yield Beat("place", self._arrive, 0.9, 0.2)
        yield from self._sides_in_order()
        yield from self._copied() if board.size.copies else self._filled()
        yield Beat(f"{board.size.mode}_done", self._rest, 0.4, 0.4)

    def values(self) -> dict[str, object]:
        shape, out, dims = self.trace.shape("input"), self.trace.shape("output"), self._dims
        padding = self.trace.module.padding  # type: ignore[union-attr]
        value = getattr(self.trace.module, "value", 0)
        return {
            "padding": str(padding).replace("-", "−"),
            "all": str(padding[0]),
            "plane": " × ".join(map(str, shape[-dims:])),
            "out": " × ".join(map(str, out[-dims:])),
            "value": self.text("output", value),
        }

    def formula_tokens(self, step: Step, most: int = 4) -> list[Token]:
        """A copy has no arithmetic: the output's element is named with the element that it is."""
        if step.tensor != "output":
            return super().formula_tokens(step, most)
        ref = next(step.formula.refs())
        inside = ref.is_inside(self.trace.tensors)
        source = f"input{list(ref.element)}" if inside else "value"
        value = Token(self.text("output", step.value), "output", step.index, step.value)
        named = inside or hasattr(self.trace.module, "value")
        return [Token(f"output{list(step.index)} = " + (f"{source} = " if named else "")), value]

    @property
    def _dims(self) -> int:
        return len(self.trace.module.padding) // 2  # type: ignore[union-attr, arg-type]

    @property
    def _kind(self) -> str:
        return _KINDS[min(self._dims, len(_KINDS)) - 1]

    def _law(self) -> list[Token]:
        """How long the padded axes become."""
        sums = []
        for axis in reversed(self.board.size.axes):
            before, after = (f"({n})" if n < 0 else str(n) for n in (axis.before, axis.after))
            first, second = axis.sides
            named = f"{axis.letter}: {first} + {axis.letter} + {second}"
            sums.append(f"{named} = {before} + {axis.size} + {after} = {axis.out}")
        return [Token("     ".join(sums).replace("-", "−"))]

    def _reading(self) -> tuple[str, ...]:
        """Which sentences a large call needs."""
        shape, planes = self.trace.shape("input"), 1
        for size in shape[: -2 if len(shape) > 1 else -1]:
            planes *= size
        needed = {"one_plane": planes > 1, "left_out_middle": not self.board.layout.whole}
        return tuple(key for key, needs in needed.items() if needs)

    def _arrive(self) -> Iterable[Animation]:
        board, rows, cols = self.board, *self.board.inner
        ruler = [
            *board.ruler_names(),
            *board.ruler(board.size.rows, rows),
            *board.ruler(board.size.cols, cols),
        ]
        return [*board.arrive(), *([Appear(*ruler)] if ruler else [])]

    def _sides_in_order(self) -> Iterator[Beat]:
        """The numbers of `padding` in order, each at its side of the canvas."""
        same = isinstance(self.trace.kwargs.get("padding"), int)
        name = "order_all" if same else f"order_{self._kind}"
        count = 2 * len(self.board.size.axes)
        given = [self.board.given(number)[1] for number in range(count)]
        also = ("cut",) if min(given) < 0 else ()
        for number in range(count):
            yield Beat(name, partial(self._name_side, number), 0.5, 0.1, also=also)

    def _name_side(self, number: int) -> Iterable[Animation]:
        board = self.board
        rows, cols = board.side(number)
        _, given = board.given(number)
        named = [Appear(board.label(number))]
        if given < 0:
            named += board.drop(rows, cols)
        if not given or not rows or not cols:
            return [*named, *self._unfocus()]
        return [*named, *self._focus(rows, cols)]

    def _focus(self, rows: range, cols: range) -> list[Animation]:
        """The accent frame goes round some rows and columns."""
        frame, path = self.board.focus, self.board.canvas.block(rows, cols)
        if frame in self.mobjects:
            return [Morph(frame, path)]
        frame.points = path
        return [Appear(frame)]

    def _unfocus(self) -> list[Animation]:
        return [Vanish(self.board.focus)] if self.board.focus in self.mobjects else []

    def _copied(self) -> Iterator[Beat]:
        """Left and right in every row, then whole rows above and below."""
        size, mode = self.board.size, self.board.size.mode
        cols = [at for side in size.cols.borders() for at in side]
        if cols:
            yield Beat(f"{mode}_law", partial(self._mark, size.cols), 0.4, 1.2)
            yield from self._one_row(cols)
            yield from self._other_rows(cols)
        yield from self._whole_rows()

    def _mark(self, axis: Axis) -> Iterable[Animation]:
        marks = self.board.marks(axis)
        return [*self._unfocus(), *([Appear(marks)] if len(marks) else [])]

    def _one_row(self, cols: Sequence[int]) -> Iterator[Beat]:
        """The border of one row, cell by cell, with an arrow from each source."""
        board, size = self.board, self.board.size
        row = self._slow_row
        for at in self._slow_cols(cols):
            source = board.source(size.cols, at)
            step = self.trace.step(size.cols.place, (at + size.cols.before,))
            value = self.trace.value("output", size.of_output(row, at))
            values: dict[str, object] = {
                "distance": -at if at < 0 else at - size.cols.size + 1,
                "source": source,
                "side": size.cols.sides[int(at >= 0)],
                "copied": self.text("output", value),
            }
            yield Beat(f"{size.mode}_near", partial(self._copy, (row, at)), 0.7, 0.5, step, values)

    @property
    def _slow_row(self) -> int:
        """The row whose border is filled slowly: one beside which arrows have room."""
        found = self.board.arc_row()
        return self.board.inner[0].start if found is None else found[0]

    def _slow_cols(self, cols: Sequence[int]) -> Sequence[int]:
        seen = [at for at in cols if at in self.board.canvas.col_slots]
        return seen if len(seen) <= _MOST_SLOW else seen[:1] + seen[-1:]

    def _copy(self, at: Position) -> Iterable[Animation]:
        """One border element: its arrow, and its value flying along."""
        board, (row, col) = self.board, at
        found = board.arc_row()
        arc = VGroup() if found is None else board.arc(row, col, found[1])
        self.remove(self.arcs)
        self.arcs = arc
        start = board.canvas.place(row, board.source(board.size.cols, col))
        shown = [Appear(arc)] if len(arc) else []
        return [*shown, *board.write(at, start), *self._new_ruler(board.size.cols, [col])]

    def _other_rows(self, cols: Sequence[int]) -> Iterator[Beat]:
        slow = set(self._slow_cols(cols))
        rest = [
            (row, at)
            for row in self.board.inner[0]
            for at in cols
            if (row != self._slow_row or at not in slow) and self.board.canvas.cell(row, at) is not None
        ]
        if rest:
            step = self.trace.step("output", self.board.size.of_output(*rest[-1]))
            yield Beat("sides", partial(self._copy_across, rest), 0.8, 0.5, step)

    def _copy_across(self, positions: Sequence[Position]) -> Iterable[Animation]:
        board, cols = self.board, self.board.size.cols
        self.remove(self.arcs)
        moves = [
            move
            for row, at in positions
            for move in board.write((row, at), board.canvas.place(row, board.source(cols, at)))
        ]
        return [*moves, *self._new_ruler(cols, [at for _, at in positions])]

    def _whole_rows(self) -> Iterator[Beat]:
        """The rows above and below the input, each copied with the sides it has by now."""
        axis = self.board.size.rows
        rows = [row for side in axis.borders() for row in side if row in self.board.canvas.row_slots]
        groups = [[row] for row in rows] if len(rows) <= _MOST_ROWS else [rows]
        for number, group in enumerate(groups):
            step = self.trace.step(axis.place, (group[-1] + axis.before,))
            yield Beat("rows", partial(self._copy_down, group, number == 0), 0.7, 0.3, step)

    def _copy_down(self, rows: Sequence[int], first: bool) -> Iterable[Animation]:
        board, axis, cols = self.board, self.board.size.rows, self.board.size.cols.out_span
        self.remove(self.arcs)
        marks = self._mark(axis) if first else []
        moves = [
            move
            for row, at in (place for row in rows for place in board.canvas.shown(range(row, row + 1), cols))
            for move in board.write((row, at), board.canvas.place(board.source(axis, row), at))
        ]
        return [*marks, *moves, *self._new_ruler(axis, rows)]

    def _new_ruler(self, axis: Axis, positions: Iterable[int]) -> list[Animation]:
        """The ruler's numbers of some border positions that are not yet there."""
        numbers = self.board.ruler(axis, positions)
        return [Appear(*numbers)] if numbers else []

    def _filled(self) -> Iterator[Beat]:
        """The same value on every side, in torch's order."""
        for number in range(2 * len(self.board.size.axes)):
            rows, cols = self.board.side(number)
            cells = self.board.canvas.shown(rows, cols)
            if self.board.given(number)[1] > 0 and cells:
                step = self.trace.step("output", self.board.size.of_output(*cells[0]))
                yield Beat(f"{CONSTANT}_fill", partial(self._fill, rows, cols), 0.6, 0.4, step)

    def _fill(self, rows: range, cols: range) -> Iterable[Animation]:
        moves = [move for at in self.board.canvas.shown(rows, cols) for move in self.board.write(at, None)]
        return [*self._focus(rows, cols), *moves]

    def _rest(self) -> Iterable[Animation]:
        self.remove(self.arcs)
        return self._unfocus()


class ReflectionPad1d(_Padding):
    operator = _operator(nn.ReflectionPad1d, 1)


class ReflectionPad2d(_Padding):
    operator = _operator(nn.ReflectionPad2d, 2)


class ReplicationPad1d(_Padding):
    operator = _operator(nn.ReplicationPad1d, 1)


class ReplicationPad2d(_Padding):
    operator = _operator(nn.ReplicationPad2d, 2)


class ZeroPad1d(_Padding):
    operator = _operator(nn.ZeroPad1d, 1)


class ZeroPad2d(_Padding):
    operator = _operator(nn.ZeroPad2d, 2)


class ConstantPad1d(_Padding):
    operator = _operator(nn.ConstantPad1d, 1)


class ConstantPad2d(_Padding):
    operator = _operator(nn.ConstantPad2d, 2)


class CircularPad1d(_Padding):
    operator = _operator(nn.CircularPad1d, 1)


class CircularPad2d(_Padding):
    operator = _operator(nn.CircularPad2d, 2)
