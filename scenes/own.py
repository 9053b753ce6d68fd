"""Calls of the user's own, as typed: an expression such as `nn.Conv2d(1, 4, 3)`, or a net in a file."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from torchreel.assets.errors import UserError
from torchreel.scenes.api import Called, called, spelled_out
from torchreel.scenes.expressions import Expression, read_expression
from torchreel.scenes.record.recorder import Recorder
from torchreel.scenes.trace.calling import first_line
from torchreel.scenes.trace.changes import load_state
from torchreel.scenes.trace.extent import DEFAULT_MEMORY, check_extent
from torchreel.scenes.trace.files import File
from torchreel.scenes.trace.inputs import read_own
from torchreel.scenes.trace.operator import stream


@dataclass(frozen=True)
class Asked:
    """What to call and with what: the inputs in order and by name, as texts or files read already."""

    what: str
    inputs: Sequence[str] = ()
    named: Mapping[str, str] = field(default_factory=dict)
    state: File | None = None
    train: bool | None = None
    seed: int = 0
    most: int = DEFAULT_MEMORY
    prove_all: bool = False

    @property
    def is_file(self) -> bool:
        """Whether it is a net in the user's own file, `model.py:net`."""
        return _in_file(self.what) is not None

    @property
    def stem(self) -> str:
        """The beginning of the names of files: the class or function, and a digest of all that was asked."""
        what = _in_file(self.what)
        name = what[1] if what else self.what.partition("(")[0].rpartition(".")[2].strip()
        return f"{name}-{hashlib.sha256(repr(self).encode()).hexdigest()[:6]}"

    def tensors(self) -> tuple[list[Tensor], dict[str, Tensor]]:
        """The inputs, each random one with a stream of its own."""
        in_order = [
            read_own(text, torch.float32, stream(self.seed, f"input {number}"), True)
            for number, text in enumerate(self.inputs)
        ]
        return in_order, {
            name: read_own(text, torch.float32, stream(self.seed, name), True)
            for name, text in self.named.items()
        }


def typed(asked: Asked) -> Called:
    """The call that an expression makes, traced."""
    expression = read_expression(asked.what)
    args, kwargs = asked.tensors()
    if not (args or kwargs):
        raise UserError(f'{expression.name}: give its inputs, as in --input "torch.randn(1, 1, 8, 8)".')
    with torch.random.fork_rng(devices=[]):
        _check_memory(expression, args, kwargs, asked.most)
        torch.manual_seed(stream(asked.seed, "weights"))
        what = expression.make()
        notes = _prepare(what, expression.name, asked)
        torch.manual_seed(asked.seed)
        own = {**expression.settings, **kwargs} if expression.function else kwargs
        made = called(what, tuple(args), own, asked.prove_all, spelled_out)
    return replace(made, notes=(*notes, *made.notes))


def held(what: Any, asked: Asked) -> Called:
    """The call of a module or function that the user holds, traced as it is; `asked.what` is how it is named."""
    if asked.state is not None or asked.train is not None:
        raise UserError(f"{asked.what} is yours: it has its own parameters and its own mode.")
    args, kwargs = asked.tensors()
    if not (args or kwargs):
        raise UserError(f"{asked.what}: give its inputs, as in --input x.")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(asked.seed)
        return called(what, tuple(args), kwargs, asked.prove_all, spelled_out)


def _check_memory(
    expression: Expression, args: list[Tensor], kwargs: Mapping[str, Tensor], most: int
) -> None:
    """Refuse a call that would take too much memory, before it is made."""
    given = {**{f"input {number}": value for number, value in enumerate(args)}, **kwargs}
    empty = {name: value.to("meta") for name, value in given.items()}
    in_order = list(empty.values())[: len(args)]
    further = {name: empty[name] for name in kwargs}
    if expression.function is not None:
        further = {**expression.settings, **further}
    check_extent(
        expression.name,
        expression.settings,
        empty,
        expression.make,
        lambda what: what(*in_order, **further),
        most,
    )


def _prepare(what: Any, name: str, asked: Asked) -> list[str]:
    """Put the user's parameters and mode into a module; what there is to say of it."""
    if not isinstance(what, nn.Module):
        if asked.state is not None or asked.train is not None:
            raise UserError(f"{name} is a function: it has no --state and no mode.")
        return []
    if asked.train is not None:
        what.train(asked.train)
    note = load_state(name, what, asked.state) if asked.state is not None else ""
    return [note] if note else []


def recorded(asked: Asked) -> tuple[Recorder, list[str]]:
    """Import the user's file, run the net that it has on the inputs: the calls that it makes, and what to say of them.

    The name is a module's, or that of a function or class that makes one without arguments. Raises `UserError` for a
    file that cannot be imported, and for a net that cannot be run.
    """
    path, name = _in_file(asked.what) or ("", "")
    net = _net(_imported(Path(path)), name, asked)
    notes = _prepare(net, name, asked)
    args, kwargs = asked.tensors()
    if not (args or kwargs):
        raise UserError(f'{name}: give the net\'s input, as in --input "torch.randn(1, 3, 32, 32)".')
    recorder = Recorder(net, max(asked.most, DEFAULT_MEMORY))
    with torch.random.fork_rng(devices=[]), torch.no_grad(), recorder.watching():
        torch.manual_seed(asked.seed)
        try:
            net(*args, **kwargs)
        except Exception as error:
            raise UserError(f"{name}: {type(error).__name__}: {first_line(error)}") from error
    return recorder, notes


def _in_file(what: str) -> tuple[str, str] | None:
    path, colon, name = what.rpartition(":")
    return (path, name) if colon and path.endswith(".py") else None


def _imported(path: Path) -> Any:
    if not path.is_file():
        raise UserError(f"{path}: no such file. Give a file and a name in it, such as model.py:net.")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.resolve().parent))
    try:
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
    except Exception as error:
        raise UserError(
            f"{path}: {type(error).__name__} when it was imported: {first_line(error)}"
        ) from error
    finally:
        sys.path.pop(0)
    return module


def _net(module: Any, name: str, asked: Asked) -> nn.Module:
    found = getattr(module, name, None)
    if found is not None and not isinstance(found, nn.Module) and callable(found):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(stream(asked.seed, "weights"))
            try:
                found = found()
            except Exception as error:
                raise UserError(f"{name}() made no net: {first_line(error)}") from error
    if not isinstance(found, nn.Module):
        nets = ", ".join(_nets(module)) or "none"
        raise UserError(f"{asked.what}: {name} is no torch.nn module. The file has {nets}.")
    return found


def _nets(module: Any) -> Iterator[str]:
    for name, value in vars(module).items():
        own = inspect.isclass(value) and issubclass(value, nn.Module) and value.__module__ == module.__name__
        if isinstance(value, nn.Module) or own:
            yield name
