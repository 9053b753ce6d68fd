"""The examples are complete, run in torch as they stand, and hold the handbook's numbers where it has them."""

from __future__ import annotations

import inspect
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from torchreel.assets.errors import UserError
from torchreel.assets.examples import Example, did_you_mean, example, examples, families, read_examples
from torchreel.scenes.trace.inputs import read_input
from torchreel.scenes.trace.operator import constructor_parameters

STORYBOARD = tomllib.loads((Path(__file__).parent / "data" / "storyboard.toml").read_text(encoding="utf-8"))
ALL = [one for named in examples().values() for one in named.values()]


def _inputs(one: Example) -> dict[str, Tensor]:
    kinds = {name: getattr(torch, one.dtypes.get(name, "float32")) for name in one.inputs}
    return {name: read_input(values, kinds[name]) for name, values in one.inputs.items()}


def _module(one: Example) -> Any:
    module = getattr(nn, one.operator)(**one.kwargs)
    if one.state:
        module.load_state_dict(
            {name: torch.tensor(values) for name, values in one.state.items()}, strict=True
        )
    return module.train(one.train)


def _run(one: Example) -> Any:
    with torch.no_grad():
        if one.operator == "LSTMCell":
            steps, h, c = _inputs(one).values()
            cell, states = _module(one), [(h, c)]
            for x in steps:
                states.append(cell(x, states[-1]))
            return states[1:]
        return _module(one)(*_inputs(one).values(), **one.call)


def _numbers(values: Any) -> Iterator[int | float]:
    if isinstance(values, dict):
        values = list(values.values())
    if isinstance(values, list):
        for value in values:
            yield from _numbers(value)
    elif isinstance(values, (int, float)):
        yield values


def wrong(holds: Callable[[Example], bool]) -> list[str]:
    """The examples of which something does not hold."""
    return [f"{one.operator}:{one.name}" for one in ALL if not holds(one)]


def test_every_example_of_the_storyboards_exists() -> None:
    told = {operator: set(named) - examples()[operator].keys() for operator, named in STORYBOARD.items()}
    assert {operator: names for operator, names in told.items() if names} == {}


def test_arguments_are_written_as_in_torchs_signature() -> None:
    """In its order, with all that it requires, and what is torch's default only where it is what is shown."""

    def written(one: Example) -> bool:
        if not hasattr(nn, one.operator):
            return True
        known = constructor_parameters(getattr(nn, one.operator))
        required = {name for name, each in known.items() if each.default is inspect.Parameter.empty}
        same = {name for name, value in one.kwargs.items() if known[name].default == value}
        in_order = list(one.kwargs) == [name for name in known if name in one.kwargs]
        return in_order and required <= one.kwargs.keys() and same <= set(one.focus)

    assert wrong(written) == []


def test_highlighted_arguments_are_there() -> None:
    assert wrong(lambda one: set(one.focus) <= one.kwargs.keys() | one.call.keys()) == []


def test_numbers_in_the_file_are_the_numbers_torch_gets() -> None:
    def given(number: int | float) -> bool:
        return str(np.float32(number)) == str(np.float32(str(number))) == str(float(number))

    assert wrong(lambda one: all(map(given, _numbers([one.inputs, one.state])))) == []


def test_tensors_are_small_enough_to_be_drawn_with_numbers() -> None:
    def small(one: Example) -> bool:
        made = _inputs(one).values()
        return all(tensor.numel() <= 75 and max(tensor.shape, default=0) <= 9 for tensor in made)

    assert wrong(small) == []


def test_conv1d_gives_the_handbooks_output() -> None:
    expected = torch.tensor([[-0.1682, 0.7688, -0.9502], [-0.0725, 0.0577, -0.0527]])
    torch.testing.assert_close(_run(example("Conv1d", "handbook"))[0], expected, atol=5e-5, rtol=0)


def test_conv2d_gives_the_handbooks_output() -> None:
    expected = torch.tensor([[0.2347, 0.1779, 0.1566], [0.2689, -0.1617, -0.2603], [0.0243, 0.4554, 0.1814]])
    torch.testing.assert_close(_run(example("Conv2d", "handbook"))[0, 0], expected, atol=5e-5, rtol=0)


def test_lstmcell_gives_the_handbooks_two_steps() -> None:
    (h1, c1), (h2, c2) = _run(example("LSTMCell", "handbook"))
    expected = [
        [0.2202, -0.0278, 0.2574, -0.3888],
        [0.8194, -0.0751, 0.6597, -0.4974],
        [0.2121, -0.0551, 0.1740, -0.1036],
        [0.5099, -0.1099, 0.4154, -0.1924],
    ]
    torch.testing.assert_close(torch.cat([h1, c1, h2, c2]), torch.tensor(expected), atol=5e-5, rtol=0)


def test_fold_examples_show_what_their_names_say() -> None:
    assert _run(example("Fold")).tolist() == [[[[1, 5, 4], [14, 34, 20], [13, 29, 16]]]]
    assert _run(example("Fold", "overlap"))[0, 0, 1].tolist() == [2, 4, 4, 2]
    whole = _run(example("Fold", "stride"))
    assert torch.equal(_run(example("Fold", "padding")), whole[..., 1:-1, 1:-1])


def test_roundtrip_folds_the_columns_of_its_source() -> None:
    trip = example("Fold", "roundtrip")
    source = read_input(trip.extra["source"])
    assert torch.equal(nn.Unfold(kernel_size=2)(source), _inputs(trip)["input"])
    assert torch.equal(_run(trip), source * _run(example("Fold", "overlap")))


@pytest.mark.parametrize("name", ["default", "output_size"])
def test_maxunpool_is_given_what_maxpool_wrote_down(name: str) -> None:
    one = example("MaxUnpool2d", name)
    pooled = read_input(one.extra["pooled"])
    values, indices = nn.MaxPool2d(**one.kwargs, return_indices=True)(pooled)
    given = _inputs(one)
    assert torch.equal(values, given["input"])
    assert torch.equal(indices, given["indices"])
    assert _run(one).shape == pooled.shape


def test_maxunpool_output_size_is_refused_by_torch_without_it() -> None:
    one = example("MaxUnpool2d", "output_size")
    with pytest.raises(RuntimeError):
        _module(one)(*_inputs(one).values())


def test_maxpool_padding_would_differ_with_a_border_of_zeros() -> None:
    one = example("MaxPool2d", "padding")
    x = _inputs(one)["input"]
    with_zeros = nn.MaxPool2d(kernel_size=one.kwargs["kernel_size"])(nn.functional.pad(x, (1, 1, 1, 1)))
    assert (_run(one) < with_zeros).any()


def test_maxpool_ceil_mode_has_a_partial_window() -> None:
    one = example("MaxPool2d", "ceil_mode")
    floor = nn.MaxPool2d(**{**one.kwargs, "ceil_mode": False})(*_inputs(one).values())
    assert _run(one).numel() > floor.numel()


def test_the_only_example_of_a_figure_is_its_default() -> None:
    assert example("Normalization").name == "comparison"
    assert example("Conv1d").name == "default"


def test_families_hold_every_operator_once() -> None:
    assert sorted(name for names in families().values() for name in names) == sorted(examples())


def test_unknown_operator_suggests_the_nearest() -> None:
    with pytest.raises(
        UserError, match=r"^Unknown operator 'Conv2D'\. Did you mean 'Conv2d'\? .* shows all \d+\.$"
    ):
        example("Conv2D")


def test_unknown_example_suggests_the_nearest_and_lists_all() -> None:
    named = "default, handbook, output_size"
    expected = rf"^MaxUnpool2d has no example 'outputsize'\. Did you mean 'output_size'\? It has {named}\.$"
    with pytest.raises(UserError, match=expected):
        example("MaxUnpool2d", "outputsize")


def test_nothing_is_suggested_for_a_name_far_from_all() -> None:
    assert did_you_mean("zzzz", examples()) == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[A.default", "bad.toml: "),
        ("A = 1", r"A should be a table"),
        ("[A.default]\nkwarg = {}", r"\[A.default\]: no field 'kwarg'. Did you mean 'kwargs'?"),
        ("[A.default]\nkwargs = 3", r"\[A.default\]: kwargs should be a dict, not a int"),
        ("[A.b]\nlike = 'c'\n[A.c]", r"\[A.b\]: like = 'c' should name an example above it"),
        ("[A.'../x']", r"a name is made of letters"),
    ],
)
def test_a_mistake_in_a_file_is_named_with_its_place(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=expected):
        read_examples(path)


def test_like_takes_over_what_is_not_stated(tmp_path: Path) -> None:
    path = tmp_path / "family.toml"
    path.write_text(
        "[A.default]\nkwargs = { a = [1, 2], b = 1 }\nstate = { w = [1], v = [2] }\nsection = 'page'\ntrain = true\n"
        "[A.other]\nlike = 'default'\nkwargs = { a = 3 }\nstate = { w = [5] }\n",
        encoding="utf-8",
    )
    default, other = read_examples(path)["A"].values()
    assert default.kwargs == {"a": (1, 2), "b": 1}
    assert other.kwargs == {"a": 3}
    assert other.state == {"w": [5], "v": [2]}
    assert (other.section, other.train, other.family, other.name) == ("page", True, "family", "other")


@pytest.mark.parametrize(
    ("settings", "holds"),
    [
        ({"padding": 1}, True),
        ({"padding": (0, 2)}, True),
        ({"padding": 0}, False),
        ({}, False),
        ({"padding": 1, "mode": "other"}, False),
        ({"padding": 1, "size": 9}, True),
        ({"padding": 1, "size": 10}, False),
    ],
)
def test_an_examples_words_hold_while_its_focus_is_not_undone_and_only_is_met(
    settings: dict[str, object], holds: bool
) -> None:
    kwargs = {"padding": 1}
    one = Example("A", "padding", "family", kwargs, focus=("padding",), only={"mode": "this", "size": "<10"})
    assert one.tells_of(settings, {"padding": 0, "mode": "this", "size": 3}) is holds


def test_a_setting_that_an_example_shows_at_its_default_is_not_undone() -> None:
    one = Example("A", "mean", "family", {"reduction": "mean"}, focus=("reduction",))
    assert one.tells_of({"reduction": "mean"}, {"reduction": "mean"})


def test_examples_are_read_without_torch_and_manim() -> None:
    code = "import sys, torchreel.assets.examples as e; e.examples(); print({'torch', 'manim'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
