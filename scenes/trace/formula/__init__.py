"""Formulas as data: one small tree over tensor elements that is both drawn and evaluated.

A tree describes a whole batch of cells at once, so that the proof of a trace is a handful of vectorised torch calls;
`cell(i)` cuts out the tree of one cell, which a scene draws with the numbers substituted. Since the drawn tree is the
evaluated one, a formula on screen cannot lie.

Shapes: `B` cells a batch, `T` terms of a sum. Outside a reduction a node's value is `(B,)`, inside it is `(B, T)`.
"""

from torchreel.scenes.trace.formula.arithmetic import Add, Div, Mul, Neg, Pow, Sub
from torchreel.scenes.trace.formula.choices import Case, Instead, Largest, Least
from torchreel.scenes.trace.formula.dot import Dot
from torchreel.scenes.trace.formula.functions import Func
from torchreel.scenes.trace.formula.limits import as_held, held, norm_type
from torchreel.scenes.trace.formula.reductions import LogSumExp, Max, Min, Sum
from torchreel.scenes.trace.formula.rounding import Rounded
from torchreel.scenes.trace.formula.strips import Either, Factor, Strip
from torchreel.scenes.trace.formula.tensors import (
    Index,
    Lazy,
    Tensors,
    Token,
    box,
    cells,
    ravelled,
    read,
    unravelled,
)
from torchreel.scenes.trace.formula.tree import Const, Expr, Ref, number_text

__all__ = [
    "Add",
    "Case",
    "Const",
    "Div",
    "Dot",
    "Either",
    "Expr",
    "Factor",
    "Func",
    "Index",
    "Instead",
    "Largest",
    "Lazy",
    "Least",
    "LogSumExp",
    "Max",
    "Min",
    "Mul",
    "Neg",
    "Pow",
    "Ref",
    "Rounded",
    "Strip",
    "Sub",
    "Sum",
    "Tensors",
    "Token",
    "as_held",
    "box",
    "cells",
    "held",
    "norm_type",
    "number_text",
    "ravelled",
    "read",
    "unravelled",
]
