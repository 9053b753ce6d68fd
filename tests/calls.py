"""What holds for every traced call: torch's own result in torch's structure, and nothing of the caller's changed."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor, nn

import torchreel
from torchreel.scenes.trace.calling import plain
from torchreel.scenes.trace.copying import copied


def check_call(module: nn.Module, *inputs: Any, **kwargs: Any) -> torchreel.Trace:
    """Trace a call and compare it with torch's own, made from the same random state; the proved trace.

    The module, its hooks, the inputs and the random state have to be as they were.
    """
    before, given, random = copied(module), plain(list(inputs)), torch.get_rng_state()
    called: list[nn.Module] = []
    hook = module.register_forward_hook(lambda mine, *_: called.append(mine))
    traced = torchreel.trace(module, *inputs, **kwargs)
    hook.remove()
    assert len(called) == 1, "the call is run once"
    assert called[0] is not module, "the module itself was called"
    assert torch.equal(torch.get_rng_state(), random), "the random state moved"
    assert module.training == before.training
    same(dict(module.state_dict()), dict(before.state_dict()))
    same(list(inputs), given)
    with torch.random.fork_rng(devices=[]), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        same(traced.output, before(*given, **kwargs))
    return traced


def same(left: Any, right: Any) -> None:
    """Two results are the same: structure, types, shapes, and every element bit for bit, NaN equal to NaN."""
    assert type(left) is type(right)
    if isinstance(left, Tensor):
        assert (left.shape, left.dtype) == (right.shape, right.dtype)
        torch.testing.assert_close(left, right, rtol=0, atol=0, equal_nan=True)
    elif isinstance(left, dict):
        assert left.keys() == right.keys()
        same(list(left.values()), list(right.values()))
    elif isinstance(left, (tuple, list)):
        assert len(left) == len(right)
        for one, other in zip(left, right, strict=True):
            same(one, other)
    else:
        assert left == right
