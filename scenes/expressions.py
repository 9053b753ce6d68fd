"""The small language of calls that a user may type, `nn.Conv2d(1, 4, 3)`: read by `ast`, looked up, never run.

Arguments are literals, or tensors in the grammar of inputs. Only classes of `torch.nn` that there is an operator for,
and functions that are calls of one, are known.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from torchreel.assets.errors import UserError
from torchreel.scenes import catalogue
from torchreel.scenes.functions import functions
from torchreel.scenes.trace.arguments import constructor_parameters
from torchreel.scenes.trace.functions import PLACES, found
from torchreel.scenes.trace.grammar import Refusal, evaluate, parse
from torchreel.scenes.trace.inputs import literal
from torchreel.scenes.trace.lookup import shown

_MOST_TEXT = 2000
_EXAMPLES = "nn.Conv2d(1, 4, 3, stride=2) or F.relu"


@dataclass(frozen=True)
class Expression:
    """A call as typed: of an operator's class with its constructor's arguments, or of a function with some of its own.

    `make` builds what is to be called; a function stays what it is, and its arguments are given to the call.
    """

    name: str
    settings: dict[str, Any]
    function: Callable[..., Any] | None = None

    def make(self) -> Any:
        """The module, with parameters drawn from torch's random state, or the function."""
        return self.function or catalogue.operator(self.name).build(self.settings)


def read_expression(text: str) -> Expression:
    """The call that a text describes. Anything else is a `UserError` that says what may be written."""
    try:
        node = parse(text, _MOST_TEXT)
        callee = node.func if isinstance(node, ast.Call) else node
        args = node.args if isinstance(node, ast.Call) else []
        keywords = node.keywords if isinstance(node, ast.Call) else []
        place, name = _place(callee)
        settings = {word.arg: _value(word.value) for word in keywords if word.arg}
        if len(settings) != len(keywords):
            raise Refusal("each argument is given once, and no **")
        given = [_value(arg) for arg in args]
    except (Refusal, RecursionError) as error:
        raise UserError(f"Cannot read {shown(text)}: {error}. Write a call such as {_EXAMPLES}.") from None
    if place == "nn":
        return Expression(name, _named(name, given, settings))
    if given:
        raise UserError(f"{place}.{name}: give tensors with --input, and other arguments by their names.")
    return Expression(f"{place}.{name}", settings, _function(f"{place}.{name}"))


def _place(node: ast.expr) -> tuple[str, str]:
    """`torch.nn.functional.relu` as `F` and `relu`."""
    parts = ast.unparse(node).split(".")
    if not all(part.isidentifier() for part in parts) or len(parts) < 2:
        raise Refusal("expected a class of nn or a function of F or torch")
    place, name = ".".join(parts[:-1]), parts[-1]
    place = {"torch.nn": "nn", "torch.nn.functional": "F", "nn.functional": "F"}.get(place, place)
    if place not in ("nn", *PLACES):
        raise Refusal(f"{place!r} is not known; there are nn, F and torch")
    return place, name


def _value(node: ast.expr) -> Any:
    try:
        return literal(node)
    except Refusal:
        return evaluate(ast.unparse(node)).tensor


def _named(name: str, given: list[Any], settings: dict[str, Any]) -> dict[str, Any]:
    """A constructor's arguments by name."""
    kind = getattr(nn, name, None)
    catalogue.family_of(name)
    if kind is None:
        raise UserError(f"nn.{name} is no class of torch.nn; 'torchreel render {name}' draws the figure.")
    parameters = list(constructor_parameters(kind))
    if len(given) > len(parameters):
        raise UserError(
            f"nn.{name} takes {len(parameters)} arguments, not {len(given)}: {', '.join(parameters)}."
        )
    in_order = dict(zip(parameters, given, strict=False))
    if twice := in_order.keys() & settings.keys():
        raise UserError(f"nn.{name}: {', '.join(sorted(twice))} was given twice.")
    return {**in_order, **settings}


def _function(name: str) -> Callable[..., Any]:
    function = found(name)
    if function is None or function not in functions():
        known = ", ".join(sorted(one.name for one in functions().values() if one.name.startswith("F."))[:4])
        raise UserError(
            f"{name} is not a function that one supported torch.nn module computes. Known: {known}, …."
        )
    return function
