"""Where the vectors of each time step stand in the trace of a cell or of a network of one pass, and their symbols."""

from __future__ import annotations

from collections.abc import Sequence

from torchreel.scenes.recurrent.cell.trace import CellLaw
from torchreel.scenes.recurrent.network.rows_trace import first_sample
from torchreel.scenes.trace.formula import Index
from torchreel.scenes.trace.proof import Trace

Vector = tuple[str, Index]


class Steps:
    """The time steps of sample 0. A vector is a tensor and the indices before its last axis; times count from 0."""

    suffix = ""

    def __init__(self, trace: Trace, law: CellLaw) -> None:
        self.trace, self.law = trace, law
        shape = trace.shape("input")
        self.sequence, self.batched = len(shape) == 3, len(shape) > 1
        self.count = shape[0] if self.sequence else 1
        self.sample: Index = (0,) if self.batched else ()

    @property
    def hidden(self) -> int:
        """How many elements a gate has."""
        return self.trace.shape(self.weight("hh"))[1]

    @property
    def batch(self) -> int:
        """How many samples there are."""
        return self.trace.shape("h_0")[-2] if self.batched else 1

    def weight(self, kind: str) -> str:
        """The weight that multiplies x (`ih`) or h (`hh`)."""
        return f"weight_{kind}{self.suffix}"

    def bias(self, kind: str) -> str | None:
        """The bias beside it, if there is one."""
        name = f"bias_{kind}{self.suffix}"
        return name if name in self.trace.tensors else None

    def x(self, time: int) -> Vector:
        """What a step reads."""
        return "input", (time, *self.sample) if self.sequence else self.sample

    def vector(self, name: str, time: int) -> Vector:
        """A gate, a sum or a state of a step."""
        return f"{name}_{time + 1}", self.sample

    def before(self, state: str, time: int) -> Vector:
        """A state as a step finds it."""
        return self.vector(state, time - 1) if time else (f"{state}_0", self.sample)

    def after(self, state: str, time: int) -> Vector:
        """A state as a step leaves it."""
        return self.vector(state, time)

    def split(self, tensor: str, index: Index) -> tuple[str, int]:
        """The name of a vector and its time, counted from 1, as its index in formulas."""
        name, _, number = tensor.rpartition("_")
        return (name, int(number)) if number.isdigit() else (tensor, 0)

    def gate_of(self, tensor: str, index: Index) -> str:
        """The gate that an element belongs to: by its name, or by its row in the weights."""
        if tensor.startswith(("weight_ih", "weight_hh", "bias_")):
            return self.law.gates[index[0] // self.hidden].name
        name = self.split(tensor, index)[0].removeprefix("pre_")
        if name in ("ih", "hh"):
            return self.law.gates[index[-1] // self.hidden].name
        return name if any(gate.name == name for gate in self.law.gates) else ""

    def symbol(self, tensor: str, index: Index) -> str:
        """What formulas call an element: the letter of its vector with the number of its step."""
        name, time = self.split(tensor, index)
        if tensor.endswith("_n"):
            return f"{tensor[0]}_{{n}}"
        if name in ("ih", "hh"):
            gate, read = self.gate_of(tensor, index), "x" if name == "ih" else "h"
            return f"W_{{{'i' if name == 'ih' else 'h'}{gate}}}·{read}"
        if name.startswith("pre_"):
            return f"a_{{{name.removeprefix('pre_')}}}"
        return f"{name}_{{{time}}}" if time or tensor.endswith("_0") else tensor


class NetworkSteps(Steps):
    """The steps of a network of one layer and one direction, whose tensors hold all steps."""

    suffix = "_l0"

    def __init__(self, trace: Trace, law: CellLaw) -> None:
        super().__init__(trace, law)
        self.leads = first_sample(trace)
        self.batched = len(trace.shape("h_0")) == 3
        self.sample = (0,) if self.batched else ()
        self.count = len(self.leads)

    def lead(self, time: int) -> Index:
        """The leading indices of a step."""
        return self.leads[time]

    def x(self, time: int) -> Vector:
        return "input", self.lead(time)

    def vector(self, name: str, time: int) -> Vector:
        return f"{name}{self.suffix}", self.lead(time)

    def before(self, state: str, time: int) -> Vector:
        return self.vector(state, time - 1) if time else (f"{state}_0", (0, *self.sample))

    def after(self, state: str, time: int) -> Vector:
        return self.vector(state, time) if time < self.count - 1 else (f"{state}_n", (0, *self.sample))

    def output(self, time: int) -> Vector:
        """What the network puts out at a step."""
        return "output", self.lead(time)

    def split(self, tensor: str, index: Index) -> tuple[str, int]:
        if not tensor.endswith(self.suffix):
            return tensor.removesuffix("_0"), 0
        lead = tuple(index[:-1])
        return tensor.removesuffix(self.suffix), self.leads.index(lead) + 1 if lead in self.leads else 0


def few(size: int, most: int) -> Sequence[int | None]:
    """The positions of an axis to show: all, or the first ones, a gap and the last; with room for two, no last."""
    if size <= most:
        return tuple(range(size))
    return (*range(most - 2), None, size - 1) if most > 2 else (0, None)
