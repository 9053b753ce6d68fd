"""A lazy module is traced as what its first call makes of it, and stays as lazy as it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.modules.lazy import LazyModuleMixin

import torchreel
from torchreel import UserError
from torchreel.scenes.trace.lazy import materialized
from torchreel.tests.calls import same

SETTINGS: dict[str, Callable[[st.DrawFn], dict[str, Any]]] = {
    "Linear": lambda draw: {"out_features": 3, "bias": draw(st.booleans())},
    "Conv": lambda draw: {
        "out_channels": 4,
        "kernel_size": 2,
        "groups": draw(st.sampled_from([1, 2])),
        "bias": draw(st.booleans()),
    },
    "Norm": lambda draw: {"affine": draw(st.booleans()), "track_running_stats": draw(st.booleans())},
}
NAMES = {
    name: next(value for kind, value in SETTINGS.items() if kind in name)
    for name in dir(nn)
    if name.startswith("Lazy")
}


@st.composite
def lazy_calls(draw: st.DrawFn, name: str) -> tuple[Callable[[], Any], torch.Tensor]:
    """How a lazy module is made, and an input for it."""
    settings = NAMES[name](draw)
    dims = int(name[-2]) if name[-1] == "d" else draw(st.integers(0, 2))
    shape = (2, 2 * draw(st.integers(1, 3)), *[3] * dims)
    dtype = draw(st.sampled_from([torch.float32, torch.float64]))
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(dtype)
    return lambda: getattr(nn, name)(**settings, dtype=dtype), x


def test_all_lazy_modules_of_torch_are_known() -> None:
    lazy = {
        name
        for name, kind in vars(nn).items()
        if isinstance(kind, type) and issubclass(kind, LazyModuleMixin)
    }
    assert lazy == NAMES.keys()


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_it_becomes_what_the_first_call_makes_of_it(name: str, data: st.DataObject) -> None:
    make, x = data.draw(lazy_calls(name))
    mine, theirs = make(), make()
    torch.manual_seed(7)
    random = torch.get_rng_state()
    became, found = materialized(mine, (x,), {})
    assert torch.equal(torch.get_rng_state(), random)
    traced = torchreel.trace(became, x)
    output = theirs(x).detach()
    same(traced.output, output)
    assert type(became) is type(theirs) is getattr(nn, name.removeprefix("Lazy"))
    assert repr(became) == repr(theirs)
    assert [*vars(became)] == [*vars(theirs)]
    assert not became._forward_pre_hooks
    assert not became._load_state_dict_pre_hooks
    same(became(x).detach(), output)
    size = x.shape[-1] if name == "LazyLinear" else x.shape[1]
    assert list(found.values()) == ([size] if make().has_uninitialized_params() else [])
    assert {key: getattr(theirs, key) for key in found} == found


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_the_callers_module_stays_lazy(name: str, data: st.DataObject) -> None:
    make, x = data.draw(lazy_calls(name))
    mine = make()
    before, hooks = repr(mine), len(mine._forward_pre_hooks)
    materialized(mine, (x,), {})
    assert type(mine) is getattr(nn, name)
    assert repr(mine) == before
    assert len(mine._forward_pre_hooks) == hooks
    mine(x)
    assert type(mine) is getattr(nn, name.removeprefix("Lazy"))


def test_one_that_has_its_parameters_keeps_them_and_found_its_size_before() -> None:
    module, x = nn.LazyLinear(3), torch.ones(2, 5)
    module.initialize_parameters(x)
    became, found = materialized(module, (x,), {})
    assert type(module) is nn.LazyLinear
    assert type(became) is nn.Linear
    same(dict(became.state_dict()), dict(module.state_dict()))
    assert found == {}


def test_one_that_loaded_its_parameters_finds_the_size_they_have() -> None:
    module, plain = nn.LazyLinear(3), nn.Linear(5, 3)
    module.load_state_dict(plain.state_dict())
    became, found = materialized(module, (torch.ones(2, 5),), {})
    same(dict(became.state_dict()), dict(plain.state_dict()))
    assert found == {"in_features": 5}


def test_a_module_that_is_not_lazy_is_itself() -> None:
    module = nn.Linear(2, 2)
    assert materialized(module, (torch.ones(2),), {}) == (module, {})
    lazy = nn.LazyLinear(2)
    lazy(torch.ones(3))
    assert materialized(lazy, (torch.ones(3),), {}) == (lazy, {})


def test_further_arguments_of_the_call_and_hooks_of_the_callers_are_kept() -> None:
    module, x = nn.LazyConvTranspose1d(1, 3, stride=2), torch.ones(1, 2, 4)
    seen: list[nn.Module] = []
    module.register_forward_hook(lambda mine, *_: seen.append(mine))
    became, found = materialized(module, (x,), {"output_size": [10]})
    assert found == {"in_channels": 2}
    became(x, output_size=[10])
    assert seen == [became]


@pytest.mark.parametrize(
    "module, x, said",
    [
        (nn.LazyConv2d(1, 2), torch.ones(3), "LazyConv2d: Expected 3D (unbatched) or 4D (batched) input"),
        (
            nn.LazyConv1d(4, 2, groups=2),
            torch.ones(3, 5),
            "LazyConv1d: in_channels must be divisible by groups.",
        ),
        (nn.LazyBatchNorm1d(), torch.ones(3), "LazyBatchNorm1d: "),
    ],
)
def test_what_torch_refuses_is_told_in_its_words(module: nn.Module, x: torch.Tensor, said: str) -> None:
    with pytest.raises(UserError) as caught:
        materialized(module, (x,), {})
    assert str(caught.value).startswith(said)
