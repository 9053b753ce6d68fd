"""Losses: element by element, of classes, of labels, of pairs and triplets, and of sequences."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor, nn

from torchreel.tests.strategies.draws import (
    FLOATS,
    Call,
    Draw,
    Make,
    Shape,
    flag,
    generator,
    numbers,
    one,
    shares,
    whole,
)

SHAPES: tuple[Shape, ...] = ((), (1,), (5,), (0,), (3, 4), (2, 0), (2, 3, 2))
SCALES = (1.0, 10.0, 1000.0)
WIDE = FLOATS[:2]


def reduction(draw: Draw) -> dict[str, Any]:
    return {"reduction": one(draw, "none", "sum", "mean")}


def joined(draw: Draw) -> dict[str, Any]:
    """How the losses are joined, in the words of today or of old."""
    return one(draw, {"reduction": "none"}, {"reduction": "sum"}, {"reduction": "mean"}, {"size_average": False},
               {"reduce": False})  # fmt: skip


class Parts:
    """What an element-wise call is made of: one shape and type, and values of several kinds."""

    def __init__(self, draw: Draw) -> None:
        self.draw, self.shape, self.dtype = draw, one(draw, *SHAPES), one(draw, *FLOATS)

    def any(self, shape: Shape | None = None) -> Tensor:
        return numbers(self.draw, self.shape if shape is None else shape, self.dtype)

    def smaller(self) -> Tensor:
        """A target of the same shape, or one that is broadcast."""
        return self.any(self.shape[1:] if flag(self.draw) else None)

    def share(self, shape: Shape | None = None) -> Tensor:
        return shares(self.draw, self.shape if shape is None else shape, self.dtype)

    def among(self, *values: float) -> Tensor:
        return torch.tensor(values)[whole(self.draw, self.shape, 0, len(values))].to(self.dtype)

    def weights(self, *names: str) -> dict[str, Any]:
        """Some of the named weights, for the last dimension."""
        return {name: self.share(self.shape[-1:]) * 3 for name in names if flag(self.draw)}


def difference(draw: Draw, kind: Any) -> Call:
    parts = Parts(draw)
    settings: dict[str, Any] = {}
    if kind is nn.SmoothL1Loss:
        settings = {"beta": one(draw, 0.0, 0.5, 1.0)}
    if kind is nn.HuberLoss:
        settings = {"delta": one(draw, 0.5, 1.0, 3.0)}
    how = reduction(draw) if kind is nn.HuberLoss else joined(draw)
    return Call(kind(**settings, **how), (parts.any(), parts.smaller()))


def cross_entropy_of_shares(draw: Draw) -> Call:
    parts = Parts(draw)
    target = parts.share() if flag(draw) else parts.among(0.0, 1.0)
    given = parts.among(0.0, 1.0, 0.25) if flag(draw) else parts.share()
    return Call(nn.BCELoss(**parts.weights("weight"), **joined(draw)), (given, target))


def cross_entropy_of_logits(draw: Draw) -> Call:
    parts = Parts(draw)
    target = parts.any() if flag(draw) else parts.among(0.0, 1.0)
    module = nn.BCEWithLogitsLoss(**parts.weights("weight", "pos_weight"), **joined(draw))
    return Call(module, (parts.any(), target))


def divergence(draw: Draw) -> Call:
    parts = Parts(draw)
    how = {"reduction": "batchmean"} if flag(draw) else joined(draw)
    target = parts.any() if flag(draw) else parts.among(0.0, 0.5, 1.0)
    return Call(nn.KLDivLoss(log_target=flag(draw), **how), (parts.any(), target))


def poisson(draw: Draw) -> Call:
    parts = Parts(draw)
    module = nn.PoissonNLLLoss(flag(draw), flag(draw), eps=one(draw, 1e-8, 0.5), **joined(draw))
    return Call(module, (parts.any(), parts.any()))


def gaussian(draw: Draw) -> Call:
    parts = Parts(draw)
    shapes = [parts.shape, *([parts.shape[:-1], (*parts.shape[:-1], 1)] if parts.shape else [])]
    var = 0.5 if flag(draw) else parts.share(one(draw, *shapes))
    module = nn.GaussianNLLLoss(full=flag(draw), eps=one(draw, 1e-6, 0.3), **reduction(draw))
    return Call(module, (parts.any(), parts.any(), var))


def soft_margin(draw: Draw) -> Call:
    parts = Parts(draw)
    return Call(nn.SoftMarginLoss(**joined(draw)), (parts.any(), parts.among(-1.0, 1.0, 0.5)))


def hinge(draw: Draw) -> Call:
    parts = Parts(draw)
    module = nn.HingeEmbeddingLoss(margin=one(draw, 0.5, 1.0), **joined(draw))
    return Call(module, (parts.any(), parts.among(-1.0, 1.0, 0.0)))


def of_classes(draw: Draw, kind: Any) -> Call:
    """Class ids or, for the cross entropy, shares; one sample, several, or several at every place."""
    classes, dtype = draw(st.integers(1, 4)), one(draw, *FLOATS)
    space, samples = one(draw, None, (), (2,), (2, 3)), one(draw, 0, 1, 3)
    shape = (classes,) if space is None else (samples, classes, *space)
    soft = kind is nn.CrossEntropyLoss and flag(draw)
    smooth = {"label_smoothing": one(draw, 0.0, 0.3)} if kind is nn.CrossEntropyLoss else {}
    module = kind(
        weight=shares(draw, (classes,), dtype) if flag(draw) else None,
        ignore_index=-100 if soft else one(draw, -100, 0),
        **reduction(draw),
        **smooth,
    )
    ids = whole(draw, () if space is None else (samples, *space), 0, classes)
    target = numbers(draw, shape, dtype, SCALES).abs() if soft else ids
    return Call(module, (numbers(draw, shape, dtype, SCALES), target))


def multi_margin(draw: Draw) -> Call:
    classes, dtype = draw(st.integers(1, 4)), one(draw, *WIDE)
    batch = one(draw, None, 1, 3)
    target = whole(draw, one(draw, (), (1,)) if batch is None else (batch,), 0, classes)
    weight = shares(draw, (classes,), dtype) if flag(draw) else None
    module = nn.MultiMarginLoss(one(draw, 1, 2), one(draw, 0.0, 0.5, 2.0), weight, **reduction(draw))
    shape = (classes,) if batch is None else (batch, classes)
    return Call(module, (numbers(draw, shape, dtype, SCALES), target))


def several_labels(draw: Draw) -> tuple[Shape, torch.dtype]:
    classes = draw(st.integers(1, 4))
    return one(draw, (classes,), (1, classes), (3, classes)), one(draw, *WIDE)


def label_margin(draw: Draw) -> Call:
    shape, dtype = several_labels(draw)
    inputs = numbers(draw, shape, dtype, SCALES), whole(draw, shape, -1, shape[-1])
    return Call(nn.MultiLabelMarginLoss(**reduction(draw)), inputs)


def label_soft_margin(draw: Draw) -> Call:
    shape, dtype = several_labels(draw)
    weight = shares(draw, shape[-1:], dtype) if flag(draw) else None
    target = whole(draw, shape, 0, 2).to(dtype) if flag(draw) else shares(draw, shape, dtype)
    module = nn.MultiLabelSoftMarginLoss(weight=weight, **reduction(draw))
    return Call(module, (numbers(draw, shape, dtype, SCALES), target))


def ranking(draw: Draw) -> Call:
    shape, dtype = one(draw, (), (0,), (3,), (2, 3)), one(draw, *FLOATS)
    first, second = (numbers(draw, shape, dtype, SCALES) for _ in range(2))
    module = nn.MarginRankingLoss(one(draw, 0.0, 0.5, 2.0), **reduction(draw))
    return Call(module, (first, second, torch.where(whole(draw, shape, 0, 2) == 1, 1, -1)))


def cosine_embedding(draw: Draw) -> Call:
    shape, dtype = one(draw, (3,), (1, 3), (4, 2)), one(draw, *FLOATS)
    first, second = (numbers(draw, shape, dtype, SCALES) for _ in range(2))
    module = nn.CosineEmbeddingLoss(one(draw, 0.0, 0.5, 1.0), **reduction(draw))
    return Call(module, (first, second, whole(draw, shape[:-1], -1, 2)))


def triplet(draw: Draw, kind: Any) -> Call:
    shape, dtype = one(draw, (3,), (0, 3), (2, 3), (2, 1, 4)), one(draw, *FLOATS)
    distances = None, nn.PairwiseDistance(1, keepdim=True), torch.pairwise_distance, far
    settings = (
        {"p": one(draw, 1.0, 2.0, 3.0, math.inf)}
        if kind is nn.TripletMarginLoss
        else {"distance_function": one(draw, *distances)}
    )
    module = kind(margin=one(draw, 0.5, 2.0), swap=flag(draw), **settings, **reduction(draw))
    return Call(module, tuple(numbers(draw, shape, dtype, SCALES) for _ in range(3)))


def far(one: Tensor, other: Tensor) -> Tensor:
    """A distance of one's own, with chance in it."""
    return (one - other).abs().sum(-1) + torch.rand(one.shape[:-1], dtype=one.dtype)


def sequences(draw: Draw) -> Call:
    """Batched or not, padded or flat targets, lengths as tensors or tuples, targets too long to spell included."""
    classes, times, blank = draw(st.integers(2, 4)), draw(st.integers(1, 7)), draw(st.integers(0, 1))
    samples, dtype = draw(st.integers(1, 3)), one(draw, *WIDE)
    module = nn.CTCLoss(blank, one(draw, "none", "sum", "mean"), flag(draw))
    log_probs = torch.randn(times, samples, classes, generator=generator(draw)).to(dtype).log_softmax(2)
    inputs = [draw(st.integers(1, times)) for _ in range(samples)]
    lengths = [draw(st.integers(0, 4)) for _ in range(samples)]
    others = torch.tensor([label for label in range(classes) if label != blank])
    rows = others[whole(draw, (samples, 4), 0, classes - 1)]
    how = one(draw, "single", "padded", "flat")
    if how == "single":
        return Call(
            module,
            (log_probs[:, 0], rows[0, : lengths[0]], torch.tensor(inputs[0]), torch.tensor(lengths[0])),
        )
    flat = torch.cat([row[:length] for row, length in zip(rows, lengths, strict=True)])
    as_given: Callable[[list[int]], Any] = tuple if flag(draw) else torch.tensor
    return Call(module, (log_probs, flat if how == "flat" else rows, as_given(inputs), as_given(lengths)))


CALLS: dict[str, Make] = {
    **{
        kind.__name__: partial(difference, kind=kind)
        for kind in (nn.L1Loss, nn.MSELoss, nn.SmoothL1Loss, nn.HuberLoss)
    },
    "BCELoss": cross_entropy_of_shares,
    "BCEWithLogitsLoss": cross_entropy_of_logits,
    "KLDivLoss": divergence,
    "PoissonNLLLoss": poisson,
    "GaussianNLLLoss": gaussian,
    "SoftMarginLoss": soft_margin,
    "HingeEmbeddingLoss": hinge,
    "CrossEntropyLoss": partial(of_classes, kind=nn.CrossEntropyLoss),
    "NLLLoss": partial(of_classes, kind=nn.NLLLoss),
    "MultiMarginLoss": multi_margin,
    "MultiLabelMarginLoss": label_margin,
    "MultiLabelSoftMarginLoss": label_soft_margin,
    "MarginRankingLoss": ranking,
    "CosineEmbeddingLoss": cosine_embedding,
    "TripletMarginLoss": partial(triplet, kind=nn.TripletMarginLoss),
    "TripletMarginWithDistanceLoss": partial(triplet, kind=nn.TripletMarginWithDistanceLoss),
    "CTCLoss": sequences,
}
