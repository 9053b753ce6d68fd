"""Declaring an operator, and calling it: from a module and inputs to a proved `Trace`.

An `Operator` names a `torch.nn` class and a `record` function. `record` is given the finished `Call` and returns the
named tensors and the rules that fill them; building the trace proves them.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from torchreel.assets.errors import TorchreelError, UserError
from torchreel.scenes.trace.arguments import check_arguments, constructor_parameters
from torchreel.scenes.trace.calling import Call, Inputs, Run, finished, first_line, forward, witnessed
from torchreel.scenes.trace.changes import (
    Changes,
    Fitting,
    check_names,
    load_state,
    read_call,
    tensor_arguments,
)
from torchreel.scenes.trace.extent import check_extent
from torchreel.scenes.trace.fitting import no_fitting
from torchreel.scenes.trace.formula import Tensors
from torchreel.scenes.trace.inputs import read_input, read_own
from torchreel.scenes.trace.proof import SYMBOLS, Rule, Trace, TraceError
from torchreel.scenes.trace.settings import settings_of

if TYPE_CHECKING:
    from torchreel.assets.examples import Example

__all__ = ["Call", "Changes", "Inputs", "Operator", "Recording", "Settings", "constructor_parameters"]

Settings = dict[str, Any]


@dataclass(frozen=True)
class Recording:
    """The named tensors of a call and the rules that fill them; `outputs` names torch's results in order."""

    tensors: Tensors
    rules: tuple[Rule, ...]
    outputs: tuple[str, ...] = ("output",)


def no_facts(trace: Trace) -> Mapping[str, bool]:
    """Nothing that a caption could claim."""
    return {}


def _silent(note: str) -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class Operator:
    """A `torch.nn` class to explain.

    `check` is given the operator's name, the constructor arguments and the inputs, and raises `UserError` in torch's
    words for what cannot work; `infer` completes constructor arguments from inputs the user gave (`in_channels` from a
    new input); `run` is the call that an example makes, the plain `module(*inputs, **call)` unless a clip needs another
    one. `label` is needed only where there is no single class (a figure). `source` is where the
    operator comes from: a paper, or by default its page of torch's documentation. `symbols` are what formulas call its
    tensors, beside the common ones. `facts` are what captions may claim of a call, computed from its trace. `fitting`
    makes inputs anew that do not fit the user's own, and `either` names those that may be classes or numbers.
    """

    module: type[nn.Module] | None
    record: Callable[[Call], Recording]
    check: Callable[[str, Settings, Inputs], None] | None = None
    infer: Callable[[Settings, Inputs], Settings] | None = None
    run: Run = forward
    label: str = ""
    source: str = ""
    symbols: Mapping[str, str] = field(default_factory=dict)
    facts: Callable[[Trace], Mapping[str, bool]] = no_facts
    fitting: Fitting = no_fitting
    either: Collection[str] = ()

    @property
    def name(self) -> str:
        """The class name, as the user types it."""
        return self.label or (self.module.__name__ if self.module else "")

    def build(self, kwargs: Mapping[str, Any]) -> nn.Module | None:
        """The module; an argument torch does not take, or refuses, is a `UserError`."""
        if self.module is None:
            return None
        self.check_arguments(kwargs)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return self.module(**kwargs)
        except (TypeError, ValueError, RuntimeError, AssertionError, ArithmeticError) as error:
            raise UserError(f"{self.name}: {first_line(error)}") from error

    def trace(
        self,
        module: nn.Module | None,
        inputs: Inputs,
        call: Mapping[str, Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        seed: int = 0,
        prove_all: bool = False,
    ) -> Trace:
        """What an example does with `module` and `inputs`, proved; torch's own refusal becomes a `UserError`.

        With `prove_all` no sample stands for the elements of a large result, however long that takes.
        """
        done = finished(self.name, module, inputs, call or {}, kwargs or {}, self.run)
        return self._prove(done, seed, prove_all)

    def trace_call(
        self,
        module: nn.Module,
        inputs: Inputs,
        call: Mapping[str, Any],
        by_name: Collection[str] = (),
        always: Collection[str] = (),
        prove_all: bool = False,
    ) -> Trace:
        """A caller's own call, hooks and all, proved, with `inputs` by the names of forward's parameters.

        `by_name` are those inputs that the caller gives by name, which hooks see apart. The constructor's arguments are
        read back from the module; `always` are named even where they are torch's defaults. `prove_all` is as in
        `trace`.
        """
        call_made = witnessed(self.name, module, inputs, call, by_name)
        return self._prove(replace(call_made, kwargs=settings_of(call_made.module, always)), 0, prove_all)

    def _prove(self, call: Call, seed: int, prove_all: bool) -> Trace:
        try:
            with torch.no_grad():
                recording = self.record(call)
                return Trace(
                    self.name,
                    call.module,
                    call.inputs,
                    recording.tensors,
                    recording.rules,
                    recording.outputs,
                    call.output,
                    call.kwargs,
                    call.call,
                    seed,
                    {**SYMBOLS, **self.symbols},
                    prove_all,
                )
        except TorchreelError:
            raise
        except Exception as error:
            why = f"{type(error).__name__}: {first_line(error)}"
            raise TraceError(f"{self.name}: this call cannot be traced yet ({why})") from error

    def trace_example(
        self,
        example: Example,
        overrides: Mapping[str, Any] | None = None,
        input_text: str | None = None,
        seed: int = 0,
        changes: Changes | None = None,
        say: Callable[[str], None] = _silent,
        prove_all: bool = False,
    ) -> Trace:
        """An example's trace, with constructor arguments or the first input replaced by the user's own.

        `changes` are all that a user may change, in place of these two. Weights come from the example as long as their
        shapes fit; otherwise torch initialises them. `say` is told in one sentence each what was made to fit.

        Random numbers have streams of their own, all of them derived from `seed`: weights and inputs of one stream
        would be functions of each other, and show what no training shows. The operator's own randomness (a dropout
        mask, fractional pooling) is that of `torch.manual_seed(seed)` just before the call, so that a reader can make
        the call again. `prove_all` is as in `trace`.
        """
        changed = changes or Changes(overrides or {}, input_text)
        try:
            return self._trace_example(example, changed, seed, say, prove_all)
        except UserError as error:
            if changed.settings and not any(name in str(error) for name in changed.settings):
                raise UserError(f"{error} This is with {changed.shown()}.") from error
            raise

    def _trace_example(
        self, example: Example, changes: Changes, seed: int, say: Callable[[str], None], prove_all: bool
    ) -> Trace:
        if self.module is not None:
            self.check_arguments(changes.settings)
        check_names(self.name, changes.inputs, self.input_names(example))
        example = self.adapted(example, changes, seed)
        own = self._own(example, changes)
        inputs = self.inputs_of(example, own, seed)
        kwargs = {**example.kwargs, **changes.settings}
        if own and self.infer is not None:
            kwargs = {**self.infer(dict(kwargs), inputs), **changes.settings}
        call = {} if own or changes.settings else example.call
        call = {**call, **read_call(self.name, self.module, changes.call)}
        if changes.has_sizes:
            inputs = self._fitted(example, kwargs, inputs, own, seed, say)
        with self._explained(kwargs, inputs, own):
            return self._called(example, changes, kwargs, inputs, call, seed, say, prove_all)

    def _called(
        self,
        example: Example,
        changes: Changes,
        kwargs: Settings,
        inputs: dict[str, Tensor],
        call: Mapping[str, Any],
        seed: int,
        say: Callable[[str], None],
        prove_all: bool,
    ) -> Trace:
        if self.check is not None:
            self.check(self.name, kwargs, inputs)
        if changes.has_sizes:
            given = {name: value.to("meta") for name, value in inputs.items()}
            check_extent(
                self.name,
                kwargs,
                given,
                lambda: self.build(kwargs),
                lambda module: self.run(module, given, call),
                changes.most,
            )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(stream(seed, "weights"))
            module = self.build(kwargs)
            if module is not None:
                module.train(example.train if changes.train is None else changes.train)
                _load(module, example.state)
            if changes.state is not None and (note := load_state(self.name, module, changes.state)):
                say(note)
            torch.manual_seed(seed)
            return self.extended(self.trace(module, inputs, call, kwargs, seed, prove_all), example)

    def input_names(self, example: Example) -> list[str]:
        """The names by which inputs may be given, in forward's order."""
        return list(dict.fromkeys([*tensor_arguments(self.module), *example.inputs]))

    def _own(self, example: Example, changes: Changes) -> dict[str, str]:
        """The user's inputs by name; the first input may come without."""
        if changes.first is None:
            return dict(changes.inputs)
        first = next(iter(example.inputs))
        if first in changes.inputs:
            raise UserError(
                f"{self.name}: the first input, {first}, was given twice, once by its name; give it once."
            )
        return {first: changes.first, **changes.inputs}

    def inputs_of(self, example: Example, own: Mapping[str, str], seed: int) -> dict[str, Tensor]:
        """The inputs of an (adapted) example by name, with the user's `own` in their places."""
        names = [name for name in self.input_names(example) if name in own or name in example.inputs]
        found = {}
        for name in dict.fromkeys([*example.inputs, *names]):
            kind = getattr(torch, example.dtypes.get(name, "float32"))
            if name in own:
                found[name] = read_own(own[name], kind, stream(seed, name), name in self.either)
            else:
                found[name] = _tensor(example.inputs[name], kind, stream(seed, name))
        return found

    def _fitted(
        self,
        example: Example,
        kwargs: Settings,
        inputs: Mapping[str, Tensor],
        own: Collection[str],
        seed: int,
        say: Callable[[str], None],
    ) -> dict[str, Tensor]:
        """The inputs, where those that no longer fit are made anew from the seed."""
        found, said = dict(inputs), []
        for name, text in self.fitting(kwargs, inputs, own).items():
            if text is None:
                del found[name]
                said.append(f"without {name}")
            else:
                kind = getattr(torch, example.dtypes.get(name, "float32"))
                found[name] = read_own(text, kind, stream(seed, name), name in self.either)
                said.append(f"{name} is {text}")
        if said:
            say(f"{', '.join(said)}, as the example's own would not fit")
        return found

    @contextmanager
    def _explained(
        self, kwargs: Settings, inputs: Mapping[str, Tensor], own: Mapping[str, str]
    ) -> Iterator[None]:
        """Say beside torch's own words which input would have fitted the first one of the user's."""
        try:
            yield
        except UserError as error:
            first = next((name for name in inputs if name in own), None)
            wanted = {} if first is None or len(own) < 2 else self.fitting(kwargs, inputs, {first})
            hints = [f"{name}={text}" for name, text in wanted.items() if text is not None and name in own]
            if not hints or first is None:
                raise
            shape = tuple(inputs[first].shape)
            raise UserError(
                f"{error} Beside {first} {shape}, give for example {', '.join(hints)}."
            ) from error

    def adapted(self, example: Example, changes: Changes, seed: int) -> Example:
        """The example as it is called, where its inputs follow from something else or do not fit the user's changes."""
        return example

    def extended(self, trace: Trace, example: Example) -> Trace:
        """The trace with what only this (adapted) example shows."""
        return trace

    def check_arguments(self, kwargs: Mapping[str, Any]) -> None:
        """Refuse arguments that the constructor does not take, by name and by kind."""
        assert self.module is not None
        check_arguments(self.name, self.module, kwargs)


def stream(seed: int, purpose: str) -> int:
    """The seed of the random numbers for one purpose: each seed and purpose has its own, the same on every machine."""
    digest = hashlib.sha256(f"{seed} {purpose}".encode()).digest()
    return int.from_bytes(digest[:7], "big")


def _tensor(values: Any, kind: torch.dtype, seed: int) -> Tensor:
    return (
        read_input(values, dtype=kind, seed=seed)
        if isinstance(values, str)
        else torch.tensor(values, dtype=kind)
    )


def _load(module: nn.Module, state: Mapping[str, Any]) -> None:
    own = module.state_dict(keep_vars=True)
    with torch.no_grad():
        for name, values in state.items():
            given = torch.tensor(values)
            if name in own and own[name].shape == given.shape:
                own[name].copy_(given)
