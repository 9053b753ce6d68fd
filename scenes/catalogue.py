"""The operators there are, by family, found without drawing anything.

A family is a folder of `scenes` with an `operators.py` that declares one `Operator` for each class; the example data
says which family an operator's name belongs to. So a new operator needs no list, and looking one up imports no more
than its own family, and neither Manim nor another family.
"""

from __future__ import annotations

import importlib
from functools import cache

from torchreel.assets.errors import UserError
from torchreel.assets.examples import families, unknown_operator
from torchreel.scenes.trace.operator import Operator


def family_of(name: str) -> str:
    """The family that explains an operator. An unknown name is a `UserError` that suggests the nearest."""
    for family, names in families().items():
        if name in names:
            return family
    raise UserError(unknown_operator(name, names_known()))


def names_known() -> list[str]:
    """The names of all operators, family by family."""
    return [name for names in families().values() for name in names]


@cache
def operators(family: str) -> dict[str, Operator]:
    """What a family declares, by the operators' names."""
    declared = importlib.import_module(f"torchreel.scenes.{family}.operators")
    return {one.name: one for one in vars(declared).values() if isinstance(one, Operator)}


def operator(name: str) -> Operator:
    """The operator of that name. An unknown name is a `UserError` that suggests the nearest."""
    return operators(family_of(name))[name]
