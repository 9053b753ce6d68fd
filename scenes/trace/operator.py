"""Declaring an operator, and calling it: from a module and inputs to a proved `Trace`.

An `Operator` names a `torch.nn` class and a `record` function. `record` is given the finished `Call` and returns the
named tensors and the rules that fill them; building the trace proves them.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from torchreel.assets.errors import TorchreelError, UserError
from torchreel.scenes.trace.arguments import check_arguments, constructor_parameters, largest
from torchreel.scenes.trace.calling import Call, Inputs, Run, finished, first_line, forward, witnessed
from torchreel.scenes.trace.extent import MOST, TooLarge, rehearse
from torchreel.scenes.trace.formula import Tensors
from torchreel.scenes.trace.inputs import read_input
from torchreel.scenes.trace.lookup import shown
from torchreel.scenes.trace.proof import SYMBOLS, Rule, Trace, TraceError

if TYPE_CHECKING:
    from torchreel.assets.examples import Example

__all__ = ["Call", "Inputs", "Operator", "Recording", "Settings", "constructor_parameters"]

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


@dataclass(frozen=True)
class Operator:
    """A `torch.nn` class to explain.

    `check` is given the operator's name, the constructor arguments and the inputs, and raises `UserError` in torch's
    words for what cannot work; `infer` completes constructor arguments from inputs the user gave (`in_channels` from a
    new input); `run` is the call that an example makes, the plain `module(*inputs, **call)` unless a clip needs another
    one. `label` is needed only where there is no single class (a figure). `source` is where the
    operator comes from: a paper, or by default its page of torch's documentation. `symbols` are what formulas call its
    tensors, beside the common ones. `facts` are what captions may claim of a call, computed from its trace.
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
        prove_all: bool = False,
    ) -> Trace:
        """A caller's own call, hooks and all, proved, with `inputs` by the names of forward's parameters.

        `by_name` are those inputs that the caller gives by name, which hooks see apart; `prove_all` is as in `trace`.
        """
        return self._prove(witnessed(self.name, module, inputs, call, by_name), 0, prove_all)

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
        prove_all: bool = False,
    ) -> Trace:
        """An example's trace, with constructor arguments or the first input replaced by the user's own.

        Weights come from the example as long as their shapes fit; otherwise torch initialises them.

        Random numbers have streams of their own, all of them derived from `seed`: weights and inputs of one stream
        would be functions of each other, and show what no training shows. The operator's own randomness (a dropout
        mask, fractional pooling) is that of `torch.manual_seed(seed)` just before the call, so that a reader can make
        the call again. `prove_all` is as in `trace`.
        """
        try:
            return self._trace_example(example, overrides or {}, input_text, seed, prove_all)
        except UserError as error:
            if overrides and not any(name in str(error) for name in overrides):
                given = ", ".join(f"{name}={shown(value)}" for name, value in list(overrides.items())[:3])
                raise UserError(f"{error} This is with {given}.") from error
            raise

    def _trace_example(
        self,
        example: Example,
        overrides: Mapping[str, Any],
        input_text: str | None,
        seed: int,
        prove_all: bool,
    ) -> Trace:
        if self.module is not None:
            self.check_arguments(overrides)
        example = self.adapted(example, overrides, input_text, seed)
        inputs = _inputs(example, input_text, seed)
        kwargs = {**example.kwargs, **overrides}
        if input_text is not None and self.infer is not None:
            inferred = self.infer(dict(kwargs), inputs)
            kwargs = {**inferred, **overrides}
        if self.check is not None:
            self.check(self.name, kwargs, inputs)
        call = {} if overrides or input_text is not None else example.call
        if overrides or input_text is not None:
            self._check_extent(kwargs, inputs, call)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(stream(seed, "weights"))
            module = self.build(kwargs)
            if module is not None:
                module.train(example.train)
                _load(module, example.state)
            torch.manual_seed(seed)
            return self.extended(self.trace(module, inputs, call, kwargs, seed, prove_all), example)

    def adapted(
        self, example: Example, overrides: Mapping[str, Any], input_text: str | None, seed: int
    ) -> Example:
        """The example as it is called, where its inputs follow from something else or do not fit the user's changes."""
        return example

    def extended(self, trace: Trace, example: Example) -> Trace:
        """The trace with what only this (adapted) example shows."""
        return trace

    def check_arguments(self, kwargs: Mapping[str, Any]) -> None:
        """Refuse arguments that the constructor does not take, by name and by kind."""
        assert self.module is not None
        check_arguments(self.name, self.module, kwargs)

    def _check_extent(self, kwargs: Mapping[str, Any], inputs: Inputs, call: Mapping[str, Any]) -> None:
        """Refuse a call that would make a tensor too large to be traced, before it is made."""
        given = {name: value.to("meta") for name, value in inputs.items()}
        try:
            rehearse(lambda: self.build(kwargs), lambda module: self.run(module, given, call))
        except TooLarge as error:
            name = max(kwargs, key=lambda key: largest(kwargs[key]), default=None)
            shape = tuple(next(iter(inputs.values())).shape)
            cause, less = (
                (f"{name}={shown(kwargs[name])} with an", f"{name} or a smaller ") if name else ("an", "")
            )
            raise UserError(
                f"{self.name}: {cause} input {shape} makes a tensor of {error.size}; {MOST} can be traced. "
                f"Use a smaller {less}input."
            ) from error


def stream(seed: int, purpose: str) -> int:
    """The seed of the random numbers for one purpose: each seed and purpose has its own, the same on every machine."""
    digest = hashlib.sha256(f"{seed} {purpose}".encode()).digest()
    return int.from_bytes(digest[:7], "big")


def _inputs(example: Example, input_text: str | None, seed: int) -> dict[str, Tensor]:
    inputs = {}
    for number, (name, values) in enumerate(example.inputs.items()):
        text = input_text if number == 0 and input_text is not None else values
        inputs[name] = _tensor(text, example.dtypes.get(name, "float32"), stream(seed, name))
    return inputs


def _tensor(values: Any, dtype: str, seed: int) -> Tensor:
    kind = getattr(torch, dtype)
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
