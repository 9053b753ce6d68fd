"""Inputs of losses that fit those a user gives: targets, weights and lengths, each of the kind that its loss reads."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

from torch import Tensor

from torchreel.scenes.trace.fitting import Shape, Texts, drawn, filled, made, signs

Settings = Mapping[str, Any]
Inputs = Mapping[str, Tensor]
Own = Collection[str]

_MOST_LABELS = 3


def _randn(settings: Settings, shape: Shape) -> str:
    return made("randn", shape)


def _rand(settings: Settings, shape: Shape) -> str:
    return made("rand", shape)


def _bits(settings: Settings, shape: Shape) -> str:
    return drawn(0, 2, shape)


def _signs(settings: Settings, shape: Shape) -> str:
    return signs(shape)


def _counts(settings: Settings, shape: Shape) -> str:
    return drawn(0, 5, shape)


def _variance(settings: Settings, shape: Shape) -> str:
    return f"{made('rand', shape)} + 0.1"


def _rate(settings: Settings, shape: Shape) -> str:
    return made("randn" if settings.get("log_input", True) else "rand", shape)


def _logarithms(settings: Settings, shape: Shape) -> str:
    return f"{made('randn', shape)}.log_softmax(-1)"


def _distribution(settings: Settings, shape: Shape) -> str:
    return (
        _logarithms(settings, shape) if settings.get("log_target") else f"{made('randn', shape)}.softmax(-1)"
    )


_KINDS: dict[str, dict[str, Callable[[Settings, Shape], str]]] = {
    "BCELoss": {"input": _rand, "target": _bits},
    "BCEWithLogitsLoss": {"target": _bits},
    "PoissonNLLLoss": {"input": _rate, "target": _counts},
    "GaussianNLLLoss": {"var": _variance},
    "SoftMarginLoss": {"target": _signs},
    "HingeEmbeddingLoss": {"target": _signs},
    "KLDivLoss": {"input": _logarithms, "target": _distribution},
    "MultiLabelSoftMarginLoss": {"target": _bits},
    "MarginRankingLoss": {"target": _signs},
}


def alike(settings: Settings, inputs: Inputs, own: Own, name: str) -> Texts:
    """All inputs of a loss have the shape of the user's first, and numbers such as the loss compares."""
    first = next((one for one in inputs if one in own), None)
    if first is None:
        return {}
    shape, kinds = inputs[first].shape, _KINDS.get(name, {})
    return {
        one: kinds.get(one, _randn)(settings, shape)
        for one, tensor in inputs.items()
        if one not in own and tensor.shape != shape
    }


def classes(settings: Settings, inputs: Inputs, own: Own) -> Texts:
    """Scores `(C,)`, `(N, C)` or `(N, C, *)` and as many targets `()`, `(N,)` or `(N, *)`, or as many probabilities."""
    scores, target = inputs["input"], inputs["target"]
    if "input" in own and "target" not in own and scores.ndim:
        axis = min(1, scores.ndim - 1)
        count, shape = scores.shape[axis], (*scores.shape[:axis], *scores.shape[axis + 1 :])
        if target.is_floating_point():
            fits = target.shape == scores.shape
            return {} if fits else {"target": f"{made('randn', scores.shape)}.softmax({axis})"}
        is_known = (target < count) | (target == settings.get("ignore_index", -100))
        if count and (tuple(target.shape) != shape or not bool(is_known.all())):
            return {"target": drawn(0, count, shape)}
    if "target" in own and "input" not in own:
        return _scores(scores, target)
    return {}


def _scores(scores: Tensor, target: Tensor) -> Texts:
    if target.is_floating_point():
        return {} if target.shape == scores.shape else {"input": made("randn", target.shape)}
    known = scores.shape[min(1, scores.ndim - 1)]
    count = max(known, _largest(target) + 1)
    shape = (*target.shape[:1], count, *target.shape[1:])
    return {} if tuple(scores.shape) == shape else {"input": made("randn", shape)}


def labels(settings: Settings, inputs: Inputs, own: Own) -> Texts:
    """Scores `(C,)` or `(N, C)` and a target of their shape, whose labels end at the first -1."""
    scores, target = inputs["input"], inputs["target"]
    if "input" in own and "target" not in own and scores.ndim and scores.numel():
        is_known = target.shape == scores.shape and _largest(target) < scores.shape[-1]
        if not is_known:
            count, one = scores.shape[-1], (*scores.shape[:-1], 1)
            return {"target": f"torch.where(torch.arange({count}) < 1, {drawn(0, count, one)}, -1)"}
    if "target" in own and "input" not in own and target.shape != scores.shape:
        return {"input": made("randn", target.shape)}
    return {}


def pairs(settings: Settings, inputs: Inputs, own: Own) -> Texts:
    """Two inputs `(N, D)` or `(D,)` and a target `(N,)` or `()` of 1 and -1."""
    first = next((name for name in ("input1", "input2", "target") if name in own), None)
    if first is None:
        return {}
    given = inputs[first].shape
    vectors = given if first != "target" else (*given, inputs["input1"].shape[-1])
    wanted = {"input1": vectors, "input2": vectors, "target": vectors[:-1]}
    return {
        name: signs(shape) if name == "target" else made("randn", shape)
        for name, shape in wanted.items()
        if name not in own and tuple(inputs[name].shape) != tuple(shape)
    }


def ctc(settings: Settings, inputs: Inputs, own: Own) -> Texts:
    """`log_probs` `(T, N, C)` or `(T, C)`, targets `(N, S)` or `(S,)` and both their lengths `(N,)` or `()`."""
    blank, targets = settings.get("blank", 0), inputs["targets"]
    is_blank = "targets" not in own and bool((targets == blank).any())
    sizes = _ctc_sizes(inputs, own) if is_blank or {"log_probs", "targets"} & {*own} else None
    if sizes is None:
        return {}
    steps, lead, count, length = sizes
    shape = (*lead, length)
    after = f"({drawn(0, count - 1, shape)} + {blank + 1}) % {count}"
    texts = {
        "log_probs": f"{made('randn', (steps, *lead, count))}.log_softmax(-1)",
        "targets": after if blank else drawn(1, count, shape),
        "input_lengths": filled(steps, lead),
        "target_lengths": filled(length, lead),
    }
    misfits = {
        "log_probs": tuple(inputs["log_probs"].shape) != (steps, *lead, count),
        "targets": is_blank or tuple(targets.shape) != shape or _largest(targets) >= count,
    }
    for name, most, of in (("input_lengths", steps, "log_probs"), ("target_lengths", length, "targets")):
        misfits[name] = (
            misfits[of]
            or tuple(inputs[name].shape) != lead
            or _largest(inputs[name]) > most
            or (not lead and of == "targets" and int(inputs[name]) != most)
        )
    return {name: text for name, text in texts.items() if misfits[name] and name not in own}


def _ctc_sizes(inputs: Inputs, own: Own) -> tuple[int, tuple[int, ...], int, int] | None:
    """T, `(N,)` or `()`, C and S, as the user's own input has them; None where it can be nothing of the kind."""
    probs, targets = inputs["log_probs"], inputs["targets"]
    if "log_probs" in own or "targets" not in own:
        if probs.ndim not in (2, 3) or probs.shape[-1] < 2:
            return None
        steps = probs.shape[0]
        is_given = "targets" in own and targets.ndim > 0
        length = targets.shape[-1] if is_given else max(1, min(_MOST_LABELS, steps // 2))
        return steps, tuple(probs.shape[1:-1]), probs.shape[-1], length
    if targets.ndim not in (1, 2):
        return None
    length, count = targets.shape[-1], max(probs.shape[-1], _largest(targets) + 1)
    return max(probs.shape[0], 2 * length + 1), tuple(targets.shape[:-1]), count, length


def _largest(tensor: Tensor) -> int:
    return int(tensor.max()) if tensor.numel() else 0


FITTING: dict[str, Any] = {
    "CrossEntropyLoss": classes,
    "NLLLoss": classes,
    "MultiMarginLoss": classes,
    "MultiLabelMarginLoss": labels,
    "CosineEmbeddingLoss": pairs,
    "CTCLoss": ctc,
}
"""What fits the inputs of a loss that are not all of one shape."""


def fitting_of(name: str) -> Callable[[Settings, Inputs, Own], Texts]:
    """What makes fitting inputs of a loss."""
    found: Callable[[Settings, Inputs, Own], Texts] = FITTING.get(name, partial(alike, name=name))
    return found
