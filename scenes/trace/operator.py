"""Declaring an operator, and calling it: from a module and inputs to a proved `Trace`.

An `Operator` names a `torch.nn` class and a `record` function. `record` is given the finished `Call` and returns the
named tensors and the rules that fill them; building the trace proves them.
"""

from __future__ import annotations

import difflib
import inspect
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_overloads

import torch
from torch import Tensor, nn

from torchreel.assets.errors import TorchreelError, UserError
from torchreel.scenes.trace.calling import Call, Inputs, Run, finished, first_line, forward
from torchreel.scenes.trace.formula import Tensors
from torchreel.scenes.trace.inputs import read_input
from torchreel.scenes.trace.proof import Rule, Trace, TraceError

if TYPE_CHECKING:
    from torchreel.assets.examples import Example

__all__ = ["Call", "Inputs", "Operator", "Recording", "Settings"]

Settings = dict[str, Any]


@dataclass(frozen=True)
class Recording:
    """The named tensors of a call and the rules that fill them; `outputs` names torch's results in order."""

    tensors: Tensors
    rules: tuple[Rule, ...]
    outputs: tuple[str, ...] = ("output",)


@dataclass(frozen=True)
class Operator:
    """A `torch.nn` class to explain.

    `check` is given the operator's name, the constructor arguments and the inputs, and raises `UserError` in torch's
    words for what cannot work; `infer` completes constructor arguments from inputs the user gave (`in_channels` from a
    new input); `run` is the call that an example makes, the plain `module(*inputs, **call)` unless a clip needs another
    one. `label` is needed only where there is no single class (a figure). `source` is where the
    operator comes from: a paper, or by default its page of torch's documentation.
    """

    module: type[nn.Module] | None
    record: Callable[[Call], Recording]
    check: Callable[[str, Settings, Inputs], None] | None = None
    infer: Callable[[Settings, Inputs], Settings] | None = None
    run: Run = forward
    label: str = ""
    source: str = ""

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
        except (TypeError, ValueError, RuntimeError, AssertionError) as error:
            raise UserError(f"{self.name}: {first_line(error)}") from error

    def trace(
        self,
        module: nn.Module | None,
        inputs: Inputs,
        call: Mapping[str, Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        seed: int = 0,
    ) -> Trace:
        """What an example does with `module` and `inputs`, proved; torch's own refusal becomes a `UserError`."""
        return self._prove(finished(self.name, module, inputs, call or {}, kwargs or {}, self.run), seed)

    def trace_call(self, module: nn.Module, inputs: Inputs, call: Mapping[str, Any]) -> Trace:
        """The plain call `module(*inputs, **call)`, proved, with `inputs` by the names of forward's parameters."""
        return self._prove(finished(self.name, module, inputs, call, {}), 0)

    def _prove(self, call: Call, seed: int) -> Trace:
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
    ) -> Trace:
        """An example's trace, with constructor arguments or the first input replaced by the user's own.

        Weights come from the example as long as their shapes fit; otherwise torch initialises them from `seed`.
        """
        example = self.adapted(example, overrides or {}, input_text, seed)
        inputs = _inputs(example, input_text, seed)
        kwargs = {**example.kwargs, **(overrides or {})}
        if input_text is not None and self.infer is not None:
            inferred = self.infer(dict(kwargs), inputs)
            kwargs = {**inferred, **(overrides or {})}
        if self.module is not None:
            self.check_arguments(kwargs)
        if self.check is not None:
            self.check(self.name, kwargs, inputs)
        torch.manual_seed(seed)
        module = self.build(kwargs)
        if module is not None:
            module.train(example.train)
            _load(module, example.state)
        call = {} if overrides or input_text is not None else example.call
        return self.extended(self.trace(module, inputs, call, kwargs, seed), example)

    def adapted(
        self, example: Example, overrides: Mapping[str, Any], input_text: str | None, seed: int
    ) -> Example:
        """The example as it is called, where its inputs follow from something else or do not fit the user's changes."""
        return example

    def extended(self, trace: Trace, example: Example) -> Trace:
        """The trace with what only this (adapted) example shows."""
        return trace

    def check_arguments(self, kwargs: Mapping[str, Any]) -> None:
        """Refuse names that the constructor does not take, and words where it takes True or False."""
        assert self.module is not None
        parameters = constructor_parameters(self.module)
        taken = list(parameters)
        for name, value in kwargs.items():
            if name not in taken:
                near = difflib.get_close_matches(name, taken, n=1)
                hint = f" Did you mean {near[0]!r}?" if near else ""
                raise UserError(f"{self.name} has no argument {name!r}.{hint} It takes {', '.join(taken)}.")
            if isinstance(parameters[name].default, bool) and not isinstance(value, bool):
                raise UserError(f"{self.name}: {name}={value!r} should be True or False.")


def constructor_parameters(module: type[nn.Module]) -> dict[str, inspect.Parameter]:
    """What a module's constructor takes, in order, without what says where the module lives.

    Recurrent networks take anything and say in an overload what they mean.
    """
    constructor = next(iter(get_overloads(module.__init__)), module.__init__)
    parameters = inspect.signature(constructor).parameters
    hidden = ("self", "args", "kwargs", "device", "dtype")
    return {name: one for name, one in parameters.items() if name not in hidden and not name.startswith("_")}


def _inputs(example: Example, input_text: str | None, seed: int) -> dict[str, Tensor]:
    inputs = {}
    for number, (name, values) in enumerate(example.inputs.items()):
        text = input_text if number == 0 and input_text is not None else values
        inputs[name] = _tensor(text, example.dtypes.get(name, "float32"), seed)
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
