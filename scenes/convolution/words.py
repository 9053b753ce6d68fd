"""What the formula bar of a convolution says: its law with the settings in the indices, and sums that fit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from torchreel.scenes.convolution.geometry import ConvolutionGeometry
from torchreel.scenes.convolution.trace import Names
from torchreel.scenes.trace.formula import Add, Case, Dot, Expr, Mul, Rounded, Sum, Token
from torchreel.scenes.trace.proof import Step, Trace

_PLACES, _TAPS = {1: "i", 2: "ij", 3: "dij"}, {1: "u", 2: "uv", 3: "tuv"}


def convolution_law(trace: Trace, size: ConvolutionGeometry, names: Names) -> list[Token]:
    """`y_{i,j} = Σ_{u,v} x_{2i+u−1,2j+v−1}·w_{u,v} + b`, with stride, dilation and padding as numbers."""
    x, w, y = (trace.symbol(name).split("_")[0] for name in (names.input, names.weight, names.output))
    places, taps = _PLACES[size.dims], _TAPS[size.dims]
    ours = zip(
        places,
        taps,
        size.stride[-size.dims :],
        size.dilation[-size.dims :],
        size.pad[::2][-size.dims :],
        strict=True,
    )
    read = [
        f"{_times(stride)}{i}+{_times(dilation)}{u}{f'−{pad}' if pad else ''}"
        for i, u, stride, dilation, pad in ours
    ]
    channel, after = _channel(size)
    out = ["o"] if size.outs > 1 else []
    summed = [*(["c"] if size.per_group > 1 else []), *taps]
    weight = [*out, *(["c"] if size.per_group > 1 else []), *taps]
    tokens = [
        Token(f"{y}_{{{','.join([*out, *places])}}}", names.output),
        Token(f" = Σ_{{{','.join(summed)}}} "),
        Token(f"{x}_{{{','.join([*channel, *read])}}}", names.input),
        Token("·"),
        Token(f"{w}_{{{','.join(weight)}}}", names.weight),
    ]
    if size.bias:
        tokens += [Token(" + "), Token("b_{o}" if size.outs > 1 else "b", "bias")]
    return [*tokens, Token(after)] if after else tokens


def border_law(mode: str, size: ConvolutionGeometry) -> list[Token]:
    """Where the value just before the first column comes from."""
    columns = size.plane[-1]
    source = {"zeros": "", "reflect": "1", "replicate": "0", "circular": f"{columns - 1}"}[mode]
    before = "".join(f"{i}," for i in _PLACES[size.dims][:-1])
    head = Token(f"x_{{{before}−1}}", "input")
    return [head, Token(" = "), Token(f"x_{{{before}{source}}}", "input") if source else Token("0")]


def _times(count: int) -> str:
    return "" if count == 1 else str(count)


def _channel(size: ConvolutionGeometry) -> tuple[list[str], str]:
    """The input channel that a term reads, and what more there is to say of it."""
    if size.groups == 1:
        return (["c"] if size.per_group > 1 else []), ""
    group, after = "o", ""
    if size.outs_per_group > 1:
        group, after = "g", f"     g = ⌊o/{size.outs_per_group}⌋"
    if size.per_group == 1:
        return [group], after
    return [f"{size.per_group}{group}+c"], after


def direct(step: Step) -> Step:
    """The step with all its products, whatever sums of channels stand in between."""
    return replace(step, formula=_opened(step.formula))


def without_zeros(step: Step) -> Step | None:
    """The step without the products that are zero; None where there is none to leave out, or nothing but them."""
    factors = [ref for ref in step.formula.refs() if ref.index.ndim == 3]
    if len(factors) != 2:
        return None
    values = [ref.evaluate(step.trace.tensors).reshape(-1) for ref in factors]
    kept = ((values[0] * values[1]) != 0).nonzero()[:, 0]
    if not 0 < len(kept) < len(values[0]):
        return None

    def chosen(part: Tensor) -> Tensor:
        return part[:, kept] if part.ndim == 3 or part.dtype == torch.bool else part

    return replace(step, formula=step.formula.at(chosen))


def _opened(formula: Expr) -> Expr:
    if isinstance(formula, Rounded):
        return _opened(formula.origin)
    if isinstance(formula, Case):
        return _opened(formula.holding)
    if isinstance(formula, Dot):
        return formula.whole
    if isinstance(formula, Add):
        return Add(tuple(map(_opened, formula.parts)))
    return formula


def products(step: Step) -> Iterator[float]:
    """The values of a step's products."""
    for part in _sums(_opened(step.formula)):
        yield from part.body.evaluate(step.trace.tensors).reshape(-1).tolist()


def _sums(formula: Expr) -> Iterator[Sum]:
    if isinstance(formula, Sum) and isinstance(formula.body, Mul):
        yield formula
    elif isinstance(formula, Add):
        for part in formula.parts:
            yield from _sums(part)


__all__ = ["border_law", "convolution_law", "direct", "products", "without_zeros"]
