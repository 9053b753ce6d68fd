"""Watching a run: each call of a leaf module, and each function between them, in order, before it is run.

A leaf is a module of a class of `torch.nn`, or one of the user's own without parts. What torch's own composites
(attention, transformer layers) call inside is recorded too, and says so. Functions are seen by torch's function mode,
outside of leaves alone.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.modules.lazy import LazyModuleMixin
from torch.overrides import TorchFunctionMode, resolve_name

from torchreel.assets.errors import TorchreelError, UserError
from torchreel.scenes.api import supported
from torchreel.scenes.functions import as_module, functions, name_of
from torchreel.scenes.record.calls import (
    Kept,
    RecordedCall,
    Site,
    settings_in_words,
    shapes,
    size_of,
    tensors,
)
from torchreel.scenes.record.graph import Graph, Stop
from torchreel.scenes.record.shelf import Shelf
from torchreel.scenes.trace.calling import first_line, is_unseen
from torchreel.scenes.trace.copying import torchs_class

_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict, nn.ParameterList, nn.ParameterDict)
# They call layers of their own, which are recorded after them.
_COMPOSITES = (
    nn.Transformer,
    nn.TransformerEncoder,
    nn.TransformerDecoder,
    nn.TransformerEncoderLayer,
    nn.TransformerDecoderLayer,
)
_NOT_THE_CALLERS = (f"{Path(__file__).parents[2]}{os.sep}", f"{Path(torch.__file__).parent}{os.sep}")


class Recorder:
    """Notes the calls of one thread while it is open; `calls` in order, `graph` how tensors ran between them.

    With `once`, only the first call of a class or function at each line of code is noted, with the `times` that there
    were in all, and no graph is kept: a training loop takes no more than its first round.
    """

    def __init__(self, model: nn.Module | None, max_memory: int, once: bool = False) -> None:
        if model is not None and not isinstance(model, nn.Module):
            raise UserError(f"record expects a torch.nn module or nothing, not {type(model).__name__}.")
        self.calls: list[RecordedCall] = []
        self.shelf = Shelf(max_memory)
        self.fast_path_was_off = False
        self._model = model
        self._paths = {} if model is None else {one: path for path, one in model.named_modules()}
        self.graph = Graph({path: type(one).__name__ for one, path in self._paths.items()})
        self._times: dict[str, int] = {}
        self._first: dict[tuple[Site | None, Any], RecordedCall] | None = {} if once else None
        self._within: list[str] = []
        self._places = [""]
        self._hidden = 0
        self._thread = threading.get_ident()
        self._mode = _Functions(self)
        self._plain_call: Callable[..., Any] = nn.Module.__call__

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Everything that is called meanwhile is noted. torch's fused attention, which calls no layers, is off."""
        fused = torch.backends.mha.get_fastpath_enabled()
        self.fast_path_was_off = not fused
        self._plain_call = nn.Module.__call__
        recorder = self

        def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            return recorder._call(module, args, kwargs)

        torch.backends.mha.set_fastpath_enabled(False)
        nn.Module.__call__ = call  # type: ignore[method-assign]
        try:
            with self._mode:
                yield
        finally:
            nn.Module.__call__ = self._plain_call  # type: ignore[method-assign]
            torch.backends.mha.set_fastpath_enabled(fused)

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """What is called meanwhile is no part of the run."""
        self._hidden += 1
        try:
            yield
        finally:
            self._hidden -= 1

    @property
    def name(self) -> str:
        """The class of the recorded net."""
        return type(self._model).__name__ if self._model is not None else ""

    @property
    def is_watching(self) -> bool:
        """Whether a call that is made now is noted."""
        return not self._hidden and not is_unseen() and threading.get_ident() == self._thread

    def _call(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not self.is_watching:
            return self._plain_call(module, *args, **kwargs)
        if not _is_leaf(module):
            with self._inside(module):
                return self._plain_call(module, *args, **kwargs)
        if self._is_counted(module):
            with self.hidden():
                return self._plain_call(module, *args, **kwargs)
        noted = self._noted(module, args, kwargs)
        sources: tuple[Stop, ...] = ()
        if self._first is None:
            with self.hidden():
                sources = self.graph.sources([*tensors(args), *tensors(kwargs)])
        composite = isinstance(module, _COMPOSITES)
        if composite:
            self._within.append(noted.path or noted.name)
        try:
            if composite:
                with self._inside(module):
                    output = self._plain_call(module, *args, **kwargs)
            else:
                with self.hidden():
                    output = self._plain_call(module, *args, **kwargs)
        except Exception as error:
            noted.why_not = f"it raised {type(error).__name__}: {first_line(error)}"
            self.shelf.drop(noted)
            raise
        finally:
            if composite:
                self._within.pop()
        with self.hidden():
            noted.output = shapes(output)
            if not composite and self._first is None:
                self.graph.add_call(noted, sources, output, self._places[-1])
        return output

    def _is_counted(self, what: Any) -> bool:
        """Whether a call is one more of its class or function at its line; it is counted then."""
        if self._first is None:
            return False
        noted = self._first.get((_site(), _kind(what)))
        if noted is None:
            return False
        noted.times += 1
        return True

    @contextmanager
    def _inside(self, module: nn.Module) -> Iterator[None]:
        """Functions that are called meanwhile belong to this module, by its path."""
        self._places.append(self._paths.get(module, self._places[-1]))
        try:
            yield
        finally:
            self._places.pop()

    def _noted(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> RecordedCall:
        with self.hidden():
            base = torchs_class(type(module))
            name = (base or type(module)).__name__
            settings, kind = settings_in_words(module)
            mode = "" if module.training else "eval "
            call = self._new(module, name, settings, f"{mode}{name}({kind})", args, kwargs)
            call.path = self._path(module)
            call.parameters = 0 if isinstance(module, LazyModuleMixin) else _count(module)
            call.size += call.parameters
            try:
                supported(module)
            except TorchreelError as error:
                call.why_not = str(error)
            self._keep(call, module, args, kwargs)
            return call

    def function(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Run a function that the net calls itself, and note it."""
        if not self.is_watching:
            return function(*args, **kwargs)
        with self.hidden():
            if self._first is not None:
                return self._function_once(function, args, kwargs)
            name = (resolve_name(function) or getattr(function, "__name__", "")).removeprefix("torch.")
            sources = self.graph.sources([*tensors(args), *tensors(kwargs)])
            noted = self._noted_function(function, args, kwargs) if function in functions() else None
            output = function(*args, **kwargs)
            if noted is not None:
                noted.output = shapes(output)
            self.graph.add_function(name, sources, output, self._places[-1])
        return output

    def _function_once(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Any:
        if function not in functions() or self._is_counted(function):
            return function(*args, **kwargs)
        noted = self._noted_function(function, args, kwargs)
        output = function(*args, **kwargs)
        noted.output = shapes(output)
        return output

    def _noted_function(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> RecordedCall:
        """A function that is an operator's call, as a call of its own."""
        name = name_of(function)
        try:
            settings, kind = settings_in_words(as_module(function, args, kwargs).module)
            why_not = ""
        except TorchreelError as error:
            settings = kind = ""
            why_not = str(error)
        call = self._new(function, name, settings, f"{name}({kind})", args, kwargs)
        call.why_not = why_not
        self._keep(call, function, args, dict(kwargs))
        return call

    def _new(self, what: Any, name: str, settings: str, kind: str, args: Any, kwargs: Any) -> RecordedCall:
        given = ", ".join([*map(shapes, args), *([shapes(kwargs)] if kwargs else [])])
        types = " ".join(sorted({str(one.dtype) for one in tensors([*args, kwargs])}))
        call = RecordedCall(
            number=len(self.calls) + 1,
            path="",
            name=name,
            settings=settings,
            inputs=given,
            kind=kind,
            distinct=f"{kind} {settings} {given} {types}",
            size=size_of([*args, kwargs]),
            parameters=0,
            site=_site(),
            inside=self._within[-1] if self._within else "",
        )
        self.calls.append(call)
        if self._first is not None:
            self._first[call.site, _kind(what)] = call
        return call

    def _keep(self, call: RecordedCall, what: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if not call.is_supported or not self.shelf.may_hold(call):
            return
        try:
            call.kept = Kept.of(what, args, kwargs)
        except Exception as error:
            call.why_not = f"it cannot be copied ({first_line(error)})"
            return
        self.shelf.add(call)

    def _path(self, module: nn.Module) -> str:
        path = self._paths.get(module, "")
        times = self._times[path] = self._times.get(path, 0) + 1
        return path if not path or times == 1 else f"{path}-{times}"


class _Functions(TorchFunctionMode):
    """Hands every function that torch is asked for to the recorder."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return self._recorder.function(func, args, kwargs or {})


def _count(module: nn.Module) -> int:
    return sum(one.numel() for one in module.parameters(not isinstance(module, _COMPOSITES)))


def _kind(what: Any) -> Any:
    return type(what) if isinstance(what, nn.Module) else what


def _is_leaf(module: nn.Module) -> bool:
    if isinstance(module, _CONTAINERS):
        return False
    return type(module).__module__.startswith("torch.nn.") or next(module.children(), None) is None


def _site() -> Site | None:
    """The innermost line of code that is neither torch's nor ours."""
    frame = sys._getframe(1)
    while frame is not None:
        if not frame.f_code.co_filename.startswith(_NOT_THE_CALLERS):
            return Site(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)
        frame = frame.f_back  # type: ignore[assignment]
    return None
