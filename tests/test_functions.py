"""Functions are the modules whose call is the same: each one there is, in any call, or a reason why not."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

import torchreel
from torchreel import UserError
from torchreel.scenes.catalogue import names_known
from torchreel.scenes.functions import EXCLUDED, ModuleCall, as_module, functions, name_of
from torchreel.scenes.trace.calling import aside, plain
from torchreel.scenes.trace.functions import PLACES, found, signature_of
from torchreel.tests.calls import same
from torchreel.tests.strategies import calls
from torchreel.tests.strategies.draws import Call, flag

NAMED = {named.name: named.function for named in functions().values()}
REDUCTIONS = ("none", "mean", "sum")
# Modules whose whole call is no function's: several tensors of weights, or an axis that torch has no function for.
ONLY_MODULES = {"AdaptiveLogSoftmaxWithLoss", "Softmax2d", "RNN", "LSTM", "GRU", "Identity"}
# What modules call what functions have an argument for.
ATTRIBUTES = {"p": "norm", "train": "training", "pad": "padding"}


def public(place: Any) -> dict[str, Any]:
    """The functions of a namespace that are torch's own, and not what its modules import to make them."""
    helpers = ("typing", "collections.abc", "torch.overrides", "torch._jit_internal")
    return {
        name: one
        for name in dir(place)
        if not name.startswith("_") and callable(one := getattr(place, name)) and not isinstance(one, type)
        if getattr(one, "__module__", None) not in helpers and not name.startswith("has_torch_function")
    }


def test_every_function_of_torch_is_in_the_table_or_has_a_reason_why_not() -> None:
    known = {id(one) for one in functions()}
    missing = {f"F.{name}" for name, one in public(F).items() if id(one) not in known}
    assert missing == {name for name in EXCLUDED if name.startswith("F.")}


def test_every_twin_in_another_place_is_in_the_table_or_has_a_reason_why_not() -> None:
    """A function of the same name, in place or not, as one of `torch.nn.functional` that is in the table."""
    twins = {name.rpartition(".")[2].rstrip("_") for name in NAMED if name.startswith("F.")}
    known = {id(one) for one in functions()}
    missing = {
        f"{place}.{name}"
        for place, home in PLACES.items()
        for name, one in public(home).items()
        if name.rstrip("_") in twins and id(one) not in known
    }
    assert missing == {name for name in EXCLUDED if name.rpartition(".")[2] in twins}


def test_no_function_is_both_in_the_table_and_excluded() -> None:
    assert all(found(name) is not None and found(name) not in functions() for name in EXCLUDED)
    assert all(reason and not reason.endswith(".") for reason in EXCLUDED.values())


def test_every_operator_is_the_call_of_a_function_or_is_known_to_be_none() -> None:
    called = {name for function in NAMED.values() for name in function.all_operators()}
    modules = {name for name in names_known() if hasattr(nn, name)}
    assert modules - called == ONLY_MODULES
    assert called <= modules


@pytest.mark.parametrize("name", sorted(NAMED))
def test_a_function_is_called_by_the_name_it_has(name: str) -> None:
    function = found(name)
    assert function is not None
    assert name_of(function) == name
    assert list(signature_of(name).parameters)


def as_function(draw: st.DrawFn, name: str, call: Call) -> tuple[list[Any], dict[str, Any]]:
    """A module's call written as that of a function, some arguments in order, some by name, some left out."""
    module, forward = call.module, inspect.signature(call.module.forward)
    given = forward.bind(*call.inputs, **call.kwargs).arguments
    assume(given.get("output_size") is None or "output_size" in signature_of(name).parameters)
    values: dict[str, Any] = {}
    for key, parameter in signature_of(name).parameters.items():
        value = _value(name, key, module, given)
        if value is parameter.empty or (value is None and parameter.default is not parameter.empty):
            continue
        usual = not isinstance(value, Tensor) and type(value) is type(parameter.default)
        if usual and value == parameter.default and flag(draw):
            continue
        values[key] = value
    most = next(
        (
            place
            for place, (key, one) in enumerate(signature_of(name).parameters.items())
            if key not in values or one.kind is one.KEYWORD_ONLY
        ),
        len(values),
    )
    least = 1 if name.startswith("Tensor.") else 0
    count = draw(st.integers(least, most))
    ordered = list(values)
    return [values[key] for key in ordered[:count]], {key: values[key] for key in ordered[count:]}


def _value(name: str, key: str, module: Any, given: Mapping[str, Any]) -> Any:
    own = NAMED[name].renamed.get(key, key)
    if own == "input":
        return next(iter(given.values()))
    if own in given and not hasattr(module, own):
        return given[own]
    if key == "use_input_stats":
        return module.training or module.running_mean is None
    if key == "training" and isinstance(module, nn.modules.batchnorm._BatchNorm):
        return module.training or module.running_mean is None
    if key in ("cudnn_enable", "cudnn_enabled"):
        return True
    if key == "mode" and name == "F.pad":
        kinds = {"Refl": "reflect", "Repl": "replicate", "Circ": "circular"}
        return kinds.get(type(module).__name__[:4], "constant")
    if key == "reduction" and not name.startswith("F."):
        assume(module.reduction in REDUCTIONS)
        return REDUCTIONS.index(module.reduction)
    for attribute in (ATTRIBUTES.get(key, own), own):
        if hasattr(module, attribute):
            value = getattr(module, attribute)
            return value.detach() if isinstance(value, Tensor) else value
    return inspect.Parameter.empty


def called(name: str, args: list[Any], kwargs: Mapping[str, Any]) -> Any:
    function = found(name)
    assert function is not None
    with aside():
        torch.manual_seed(0)
        return function(*args, **kwargs)


def result(call: ModuleCall) -> Any:
    with aside():
        torch.manual_seed(0)
        return call.module(*plain(call.inputs), **call.call)


def check_same_call(name: str, args: list[Any], kwargs: Mapping[str, Any]) -> ModuleCall:
    """The module's call is the function's bit for bit, it changes what the function changes, and is a traced one."""
    before, random = plain([args, list(kwargs.values())]), torch.get_rng_state()
    function = found(name)
    assert function is not None
    call = as_module(function, tuple(args), kwargs)
    assert type(call.module).__name__ == call.operator
    assert torch.equal(torch.get_rng_state(), random), "the random state moved"
    copies, named = plain(args), {key: plain(value) for key, value in kwargs.items()}
    torchreel.trace(call.module, *call.inputs, **call.call)
    same(called(name, copies, named), result(call))
    same([args, list(kwargs.values())], before)
    for key, value in {**dict(zip(signature_of(name).parameters, copies, strict=False)), **named}.items():
        own = NAMED[name].renamed.get(key, key)
        if own in NAMED[name].state and value is not None and isinstance(getattr(call.module, own), Tensor):
            same(getattr(call.module, own).detach().reshape(value.shape), value)
    return call


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("name", sorted(NAMED))
@settings(max_examples=6)
@given(data=st.data())
def test_any_call_is_that_of_its_module(name: str, data: st.DataObject) -> None:
    operator = data.draw(st.sampled_from(NAMED[name].all_operators()))
    call = data.draw(calls(operator))
    assume(getattr(call.module, "padding_mode", "zeros") == "zeros")
    assume("feature" not in name or call.inputs[0].ndim > 2)
    args, kwargs = data.draw(st.composite(as_function)(name, call))
    try:
        called(name, plain(args), {key: plain(value) for key, value in kwargs.items()})
    except (RuntimeError, TypeError, ValueError, IndexError):
        assume(False)
    check_same_call(name, args, kwargs)


X = torch.randn(2, 4, 5, 5, generator=torch.Generator().manual_seed(0))
ONES, MEAN = torch.ones(4), torch.zeros(4)

ODD: list[tuple[str, list[Any], dict[str, Any], str]] = [
    ("F.batch_norm", [X, None, None], {"weight": ONES, "training": True}, "BatchNorm2d"),
    ("F.batch_norm", [X, None, None], {"bias": ONES, "training": True}, "BatchNorm2d"),
    ("F.batch_norm", [X, MEAN, ONES], {"training": True, "momentum": 0.5}, "BatchNorm2d"),
    ("F.batch_norm", [X[:, :, 0, 0], MEAN, ONES], {}, "BatchNorm1d"),
    ("F.instance_norm", [X, MEAN, ONES], {"use_input_stats": False}, "InstanceNorm2d"),
    ("F.instance_norm", [X[:, :, 0]], {"bias": ONES}, "InstanceNorm1d"),
    ("F.layer_norm", [X, [5]], {"bias": torch.ones(5)}, "LayerNorm"),
    ("F.layer_norm", [X, (5, 5)], {"weight": torch.ones(5, 5)}, "LayerNorm"),
    ("F.group_norm", [X, 2], {"bias": ONES}, "GroupNorm"),
    ("F.conv2d", [X, torch.ones(2, 4, 3, 3), None, [2], [1]], {}, "Conv2d"),
    ("F.conv2d", [X, torch.ones(2, 4, 3, 3)], {"padding": "same"}, "Conv2d"),
    ("F.max_pool2d", [X, [2]], {"stride": []}, "MaxPool2d"),
    ("F.avg_pool2d", [X, [2, 1]], {"divisor_override": 3}, "AvgPool2d"),
    ("F.softmax", [X.half()], {"dim": 1, "dtype": torch.float64}, "Softmax"),
    ("torch.softmax", [X], {"axis": 1}, "Softmax"),
    ("torch.sigmoid", [], {"x": X}, "Sigmoid"),
    ("Tensor.log_softmax", [X], {"dim": -1}, "LogSoftmax"),
    ("F.prelu", [X, torch.tensor(0.5)], {}, "PReLU"),
    ("F.pad", [X, (1, 2)], {}, "ZeroPad1d"),
    ("F.pad", [X, (1, 2, -1, 0), "constant", -0.0], {}, "ConstantPad2d"),
    ("F.pad", [X, [1, 2, 3, 0, 0, 1]], {"value": 3}, "ConstantPad3d"),
    ("F.pad", [X, (1, 2, 0, 1)], {"mode": "circular"}, "CircularPad2d"),
    ("torch.flatten", [X], {}, "Flatten"),
    ("Tensor.unflatten", [X, 1, (2, -1)], {}, "Unflatten"),
    ("torch.embedding", [torch.ones(3, 2), torch.tensor([0, 2])], {}, "Embedding"),
    ("torch.hinge_embedding_loss", [X, torch.ones_like(X)], {}, "HingeEmbeddingLoss"),
    ("F.dropout", [X], {"training": False}, "Dropout"),
    ("F.alpha_dropout", [X], {}, "AlphaDropout"),
]


@pytest.mark.parametrize("name, args, kwargs, operator", ODD)
def test_a_call_that_no_module_is_written_as_is_that_of_a_module(
    name: str, args: list[Any], kwargs: dict[str, Any], operator: str
) -> None:
    assert check_same_call(name, args, kwargs).operator == operator


@pytest.mark.parametrize(
    "function, args, kwargs, said",
    [
        (F.interpolate, (X,), {}, "F.interpolate is not supported: there is no operator nn.Upsample yet."),
        (F.normalize, (X,), {}, "F.normalize is not supported: torch.nn has no module for it."),
        (torch.Tensor.unfold, (X, 1, 2, 1), {}, "Tensor.unfold is not supported: it takes slices of one axis"),
        (torch.matmul, (X, X), {}, "torch.matmul is not a function that one supported torch.nn module computes."),
        (3, (), {}, "int is not a function"),
        (F.relu, (3,), {}, "F.relu: input should be a tensor, not 3."),
        (F.linear, (X, [1.0]), {}, "F.linear: weight should be a tensor, not [1.0]."),
        (F.linear, (X, ONES), {}, "F.linear: weight should be of shape (out_features, in_features), not (4,)."),
        (F.conv2d, (X,), {}, "F.conv2d: missing a required argument: 'weight'."),
        (F.conv2d, (X, X), {"strides": 2}, "F.conv2d: got an unexpected keyword argument 'strides'."),
        (F.conv2d, (X, ONES), {}, "F.conv2d: weight should be of shape (out_channels, in_channels / groups, kH, kW)"),
        (F.batch_norm, (X, None, None), {}, "F.batch_norm: running_mean and running_var must be given in evaluation"),
        (F.batch_norm, (ONES, MEAN, ONES), {}, "F.batch_norm: an input of 1 dimensions has no module."),
        (F.pad, (X, (1,)), {}, "F.pad: pad should give two sides to each of the last 1 to 3 axes, not 1 in all."),
        (F.pad, (X, (1, 1), "mirror"), {}, "F.pad: mode='mirror' should be constant, reflect, replicate or circular."),
        (F.pad, (X, (1, 1), "reflect", 2), {}, "F.pad: value=2 is no argument of nn.ReflectionPad1d. Leave it out."),
        (torch.sigmoid, (X,), {"out": X}, "torch.sigmoid: out= writes into another tensor"),
        (F.mse_loss, (X, X), {"weight": X}, "F.mse_loss: weight is no argument of nn.MSELoss. Leave it out."),
        (F.group_norm, (X, 3), {}, "F.group_norm: num_channels (4) must be divisible by num_groups (3)."),
    ],
)  # fmt: skip
def test_what_is_no_modules_call_is_refused(
    function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], said: str
) -> None:
    with pytest.raises(UserError) as caught:
        as_module(function, args, kwargs)
    assert str(caught.value).startswith(said)


def test_what_a_recorder_of_calls_sees_is_in_the_table() -> None:
    """torch hands functions on as the objects that the table knows them by."""
    seen: list[tuple[str, str]] = []

    class Recorder(TorchFunctionMode):
        def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if function in functions():
                seen.append((name_of(function), as_module(function, args, kwargs or {}).operator))
            return function(*args, **(kwargs or {}))

    with Recorder():
        F.max_pool2d(F.relu(F.conv2d(X, torch.ones(2, 4, 3, 3))), 2)
        F.max_pool2d(X, 2, return_indices=True)
        torch.relu_(X.clone()).softmax(1)
        F.gelu(X.sigmoid())
    assert seen == [
        ("F.conv2d", "Conv2d"),
        ("F.relu", "ReLU"),
        ("F.max_pool2d", "MaxPool2d"),
        ("F.max_pool2d_with_indices", "MaxPool2d"),
        ("F.relu_", "ReLU"),
        ("Tensor.softmax", "Softmax"),
        ("Tensor.sigmoid", "Sigmoid"),
        ("F.gelu", "GELU"),
    ]


def test_a_module_holds_copies_and_draws_no_numbers() -> None:
    weight = torch.ones(2, 4, 3, 3)
    call = as_module(F.conv2d, (X, weight), {})
    weight.zero_()
    assert isinstance(call.module, nn.Conv2d)
    assert torch.equal(call.module.weight.detach(), torch.ones(2, 4, 3, 3))
    assert call.inputs[0] is X
