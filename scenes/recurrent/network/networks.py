"""Recurrent networks, unrolled in time: what `output` collects, and what is left in `h_n` and `c_n`."""

from __future__ import annotations

from collections.abc import Iterator

from manim import Animation

from torchreel.scenes.recurrent import operators
from torchreel.scenes.recurrent.cell.trace import GRU_LAW, LSTM_LAW, CellLaw, rnn
from torchreel.scenes.recurrent.network.board import NetworkBoard
from torchreel.scenes.recurrent.network.layers_trace import passes
from torchreel.scenes.stage.beats import Beat
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Index, Token
from torchreel.scenes.trace.proof import Step

Values = dict[str, object]
Place = tuple[str, Index]


class NetworkScene(OperatorScene):
    """Cells in rows, one row a pass: each is filled step by step, then `output` and the last states are framed."""

    @property
    def cell(self) -> CellLaw:
        """The network's cell as the traced module has it."""
        raise NotImplementedError

    def story(self) -> Iterator[Beat]:
        self.board = NetworkBoard(self.look, self.trace, self.cell)
        self.add(self.board.base())
        yield from self._first()
        for row in self.board.rows:
            yield from self._row(row)
        yield from self._results()

    def values(self) -> Values:
        """Shapes and numbers that captions name."""
        output, last = (str(self.trace.shape(name)) for name in ("output", "h_n"))
        count = len(passes(self.trace.module))
        shape = self.trace.shape("input")
        batch = shape[1 - self.board.batch_first] if len(shape) == 3 else 1
        return {
            "output": output, "last": last, "batch": batch, "steps": self.board.steps, "suffix": "l0",
            "forward": count - 2, "backward": count - 1,
        }  # fmt: skip

    def _first(self) -> Iterator[Beat]:
        """What the first cell reads."""
        board, row = self.board, self.board.rows[0]
        slot = board.order(row)[0]
        also = tuple(self._left_out())

        def look() -> list[Animation]:
            return board.look_at(board.inputs[slot], *board.starts[row].values())

        yield Beat("reads", run_time=0.1, hold=0.6, also=also)
        yield Beat("reads", look, 0.4, 0.8, self._step(f"ih{board.one(row).suffix}", slot), also=also)

    def _left_out(self) -> Iterator[str]:
        """What a reader has to be told of."""
        lay, shape = self.board.layout, self.trace.shape("input")
        sizes = [shape[-1], self.trace.shape("output")[-1], self.trace.module.hidden_size]  # type: ignore[union-attr]
        if not lay.text:
            yield "heat"
        if len(shape) == 3 and shape[1 - self.board.batch_first] > 1:
            yield "sample"
        if None in (*lay.times, *lay.rows) or any(None in lay.units(int(size)) for size in sizes):  # type: ignore[arg-type]
            yield "left_out"

    def _row(self, row: int) -> Iterator[Beat]:
        """One pass, step by step; the very first cell slowly."""
        board, one = self.board, self.board.one(row)
        first = row == board.rows[0]
        for place, slot in enumerate(board.order(row)):
            slow = first and not place
            key = "cell" if slow else "next" if first else "reverse" if one.reverse else "layer"
            time = board.layout.times[slot]
            assert time is not None
            values: Values = {
                "now": time + 1,
                "before": time,
                "layer": one.layer,
                "below": one.layer - 1,
                "suffix": one.suffix[1:],
            }

            def compute(slot: int = slot) -> list[Animation]:
                return [*board.focus(row, slot), *board.compute(row, slot)]

            def put_out(slot: int = slot) -> list[Animation]:
                return board.put_out(row, slot)

            run_time, hold = (0.6, 0.7) if slow else (0.5, 0.4 if not place else 0.1)
            yield Beat(key, compute, run_time, hold, self._step(f"h{one.suffix}", slot), values)
            if board.is_top(row):
                yield Beat("rise" if slow else key, put_out, 0.5, 0.5 if slow else 0.0, None, values)

    def _results(self) -> Iterator[Beat]:
        """What torch returns: every step of the top layer, and the last state of every pass."""
        board = self.board
        both = "_both" if board.directions == 2 else ""

        def finish() -> list[Animation]:
            return [*board.cursors.on(), *(move for row in board.rows for move in board.finish(row))]

        ends = list(self._ends())
        output, last, own = ends[-1]
        shared = [token for one in ends for token in (*self._equal(*one[:2]), Token("     "))]
        yield Beat(f"output{both}", board.frame_output, 0.3, 1.3, self._equal(output, own))
        yield Beat(f"last{both}", finish, 0.6, 0.1, self._equal(last, own))
        yield Beat(f"last{both}", board.frame_ends, 0.3, 1.2)
        yield Beat(f"shared{both}", board.frame_shared, 0.3, 0.6, shared)

    def _ends(self) -> Iterator[tuple[Place, Place, Place]]:
        """Where the last state of each pass of the top layer begins: in `output`, in `h_n`, in its own tensor."""
        board = self.board
        for row in (row for row in board.rows if board.is_top(row)):
            one, lead = board.one(row), board.lead(board.order(row)[-1])
            start = self.trace.shape("h_n")[-1] * one.reverse
            end = (one.number, 0, 0) if board.batched else (one.number, 0)
            yield ("output", (*lead, start)), ("h_n", end), (f"h{one.suffix}", (*lead, 0))

    def _equal(self, *places: Place) -> list[Token]:
        """`h_n[0, 0, 0] = h_l0[1, 0, 0] = value`: elements that are one number."""
        tensor, index = places[0]
        value = self.trace.value(tensor, index)
        names = [Token(f"{name}{list(at)} = ") for name, at in places]
        return [*names, Token(self.text(tensor, value), tensor, index, value)]

    def _step(self, tensor: str, slot: int) -> Step:
        return self.trace.step(tensor, (*self.board.lead(slot), 0))


class RNN(NetworkScene):
    """A plain recurrent network."""

    operator = operators.RNN

    @property
    def cell(self) -> CellLaw:
        return rnn(self.trace.module.nonlinearity)  # type: ignore[union-attr, arg-type]


class LSTM(NetworkScene):
    """An LSTM network: two states are handed on, one of them is put out."""

    operator = operators.LSTM
    cell = LSTM_LAW


class GRU(NetworkScene):
    """A GRU network."""

    operator = operators.GRU
    cell = GRU_LAW
