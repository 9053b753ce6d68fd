"""A formula on screen cannot lie: what is drawn, read back as arithmetic, gives the value that torch gave."""

from __future__ import annotations

import math
import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from torchreel.scenes.trace.formula import (
    Add,
    Const,
    Div,
    Expr,
    Func,
    Lazy,
    Max,
    Mul,
    Pow,
    Ref,
    Sub,
    Sum,
    Token,
)

VALUES = torch.tensor([2.5, -0.75, 0.0, 4.0, -3.0, 0.5], dtype=torch.float64)
TENSORS = {"x": VALUES}
MEANING = {
    "sqrt": math.sqrt,
    "sigmoid": lambda value: 1 / (1 + math.exp(-value)),
    "tanh": math.tanh,
    "exp": math.exp,
    "log": math.log,
    "abs": abs,
    "max": max,
}
SPELLING = {"−": "-", "·": "*", "√(": "sqrt(", "σ(": "sigmoid(", "²": "**2", "^{": "**(", "}": ")"}


def leaf(number: int) -> Ref:
    return Ref("x", torch.tensor([[number]]))


def leaves() -> st.SearchStrategy[Expr]:
    constants = st.sampled_from([0.5, 2.0, 8.0]).map(Const)
    return st.one_of(st.integers(0, len(VALUES) - 1).map(leaf), constants)


def branches(children: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    pair = st.tuples(children, children)
    several = st.lists(children, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        several.map(Add),
        several.map(Mul),
        pair.map(lambda two: Sub(*two)),
        pair.map(lambda two: Div(two[0], Add((Func("square", two[1]), Const(1.0))))),
        st.tuples(st.sampled_from(["sigmoid", "tanh", "square", "abs"]), children).map(lambda it: Func(*it)),
    )


def drawn(tree: Expr, most: int = 99) -> str:
    def number(ref: Ref) -> Token:
        value = float(ref.evaluate(TENSORS).reshape(-1)[0])
        return Token(repr(value).replace("-", "−"), ref.tensor, ref.element, value)

    return "".join(token.text for token in tree.tokens(number, most))


def read(text: str) -> float:
    """The drawn text as arithmetic; a bar opens a size unless it stands after the end of a value."""
    for sign, meaning in SPELLING.items():
        text = text.replace(sign, meaning)
    while "|" in text:
        before, _, after = text.partition("|")
        text = f"{before})" + after if re.search(r"[\d.)]$", before) else f"{before}abs(" + after
    return float(eval(text, {"__builtins__": {}}, MEANING))


@given(st.recursive(leaves(), branches, max_leaves=10))
def test_the_drawn_formula_has_the_evaluated_value(tree: Expr) -> None:
    value = float(tree.evaluate(TENSORS).reshape(-1)[0])
    assert read(drawn(tree)) == pytest.approx(value, rel=1e-9, abs=1e-9)


@given(st.lists(st.integers(0, len(VALUES) - 1), min_size=1, max_size=8))
def test_reductions_draw_every_term(numbers: list[int]) -> None:
    body = Ref("x", torch.tensor(numbers).reshape(1, -1, 1))
    squares = Sum(Mul((body, body)))
    assert read(drawn(squares)) == pytest.approx(float(squares.evaluate(TENSORS)[0]))
    largest = Max(body)
    text = drawn(largest) if len(numbers) > 1 else drawn(largest).replace("max", "")
    assert read(text) == pytest.approx(float(largest.evaluate(TENSORS)[0]))


def test_powers_are_raised_and_the_root_of_a_number_needs_no_brackets() -> None:
    power = Pow(Func("abs", leaf(0)), Const(0.5, "(1/2)"))
    assert drawn(power).endswith("|^{1/2}") and power.symbols() == "|x|^{1/2}"
    assert read(drawn(power)) == pytest.approx(float(power.evaluate(TENSORS)[0]))
    assert drawn(Func("sqrt", Const(25.0))) == "√25"
    assert drawn(Func("sqrt", Add((Const(9.0), Const(16.0))))) == "√(9 + 16)"


def test_a_long_sum_is_cut_in_the_middle() -> None:
    body = Ref("x", torch.arange(6).reshape(1, -1, 1))
    assert drawn(Sum(body), most=3) == "2.5 + (−0.75) + … + 0.5"


def test_padding_counts_as_its_fill_and_is_no_element() -> None:
    index = torch.tensor([[[-1], [0], [6]]])
    assert float(Sum(Ref("x", index, fill=0.0)).evaluate(TENSORS)[0]) == 2.5
    assert float(Max(Ref("x", index, fill=-math.inf)).evaluate(TENSORS)[0]) == 2.5
    assert not Ref("x", torch.tensor([[6]]), fill=0.0).is_inside(TENSORS)


def test_a_ragged_sum_skips_what_does_not_exist() -> None:
    index = torch.tensor([[[0], [3], [0]]])
    body = Ref("x", index, fill=0.0, skip=torch.tensor([[False, False, True]]))
    assert float(Sum(body).evaluate(TENSORS)[0]) == 6.5
    assert drawn(Sum(body)) == "2.5 + 4.0"


def test_one_cell_of_a_batch_is_the_batchs_value_there() -> None:
    batch = Mul((Ref("x", torch.arange(6)[:, None]), Const(2.0)))
    for number in range(6):
        assert float(batch.cell(number).evaluate(TENSORS)[0]) == float(batch.evaluate(TENSORS)[number])


def test_symbols_name_tensors_and_keep_brackets() -> None:
    tree = Div(Sub(leaf(0), leaf(1)), Func("sqrt", Add((leaf(2), Const(1e-5)))))
    assert tree.symbols() == "(x − x) / √(x + 1e-05)".replace("e-", "e−")


def test_a_lazy_tensor_is_read_like_any_other() -> None:
    doubled = Lazy((6,), lambda index: VALUES[index[..., 0]] * 2, torch.float64)
    assert float(Ref("y", torch.tensor([[3]])).evaluate({"y": doubled})[0]) == 8.0
