"""The normalization layers, and the figure that compares them, as torch declares them."""

from __future__ import annotations

from functools import partial

from torch import nn

from torchreel.scenes.normalization.checks import (
    check_group_norm,
    check_layer,
    infer_features,
    infer_group_norm,
    infer_groups,
    infer_shape,
)
from torchreel.scenes.normalization.comparison.trace import (
    LAYERS,
    ComparisonOperator,
    check_comparison,
    record_comparison,
    run_comparison,
)
from torchreel.scenes.normalization.facts import normalization_facts
from torchreel.scenes.normalization.groups_trace import GroupNormOperator
from torchreel.scenes.normalization.kept_trace import RunningOperator
from torchreel.scenes.normalization.response.trace import record_local_response_norm, response_facts
from torchreel.scenes.normalization.trace import (
    record_batch_norm,
    record_group_norm,
    record_instance_norm,
    record_layer_norm,
    record_rms_norm,
)
from torchreel.scenes.trace.operator import Operator

_BATCH = "Ioffe and Szegedy 2015, Batch Normalization, arXiv:1502.03167"
_INSTANCE = "Ulyanov et al. 2016, Instance Normalization, arXiv:1607.08022"
_LAYER = "Ba et al. 2016, Layer Normalization, arXiv:1607.06450"
_GROUP = "Wu and He 2018, Group Normalization, arXiv:1803.08494"
_RMS = "Zhang and Sennrich 2019, Root Mean Square Layer Normalization, arXiv:1910.07467"
_RESPONSE = "Krizhevsky et al. 2012, ImageNet Classification with Deep Convolutional Neural Networks, NeurIPS"


RESPONSE = {"square": "x²", "mean_square": "q", "base": "a", "divisor": "d"}
SYMBOLS = {
    "mean": "μ", "var": "σ²", "std": "s", "centered": "(x − μ)", "normalized": "x̂", "noise": "s",
    "running_mean": "m", "running_var": "v", "new_running_mean": "m_{new}", "new_running_var": "v_{new}",
    "unbiased_var": "σ²_{n−1}", "num_batches_tracked": "t", "new_num_batches_tracked": "t_{new}",
    "square": "x²", "mean_square": "q", "rms": "r",
}  # fmt: skip


COMPARED = {
    f"{layer}{tensor}": symbol
    for layer in LAYERS
    for tensor, symbol in ((".mean", "μ"), (".var", "σ²"), ("", "y"))
}


def _batch(module: type[nn.Module]) -> RunningOperator:
    infer = partial(infer_features, axis=1)
    return RunningOperator(
        module,
        record_batch_norm,
        check_layer,
        infer,
        source=_BATCH,
        symbols=SYMBOLS,
        facts=normalization_facts,
    )


def _instance(module: type[nn.Module], dims: int) -> Operator:
    infer = partial(infer_features, axis=-1 - dims)
    return RunningOperator(
        module,
        record_instance_norm,
        check_layer,
        infer,
        source=_INSTANCE,
        symbols=SYMBOLS,
        facts=normalization_facts,
    )


BatchNorm1d = _batch(nn.BatchNorm1d)
BatchNorm2d = _batch(nn.BatchNorm2d)
BatchNorm3d = _batch(nn.BatchNorm3d)

InstanceNorm1d = _instance(nn.InstanceNorm1d, 1)
InstanceNorm2d = _instance(nn.InstanceNorm2d, 2)
InstanceNorm3d = _instance(nn.InstanceNorm3d, 3)

LayerNorm = Operator(
    nn.LayerNorm,
    record_layer_norm,
    check_layer,
    infer_shape,
    source=_LAYER,
    symbols=SYMBOLS,
    facts=normalization_facts,
)
RMSNorm = Operator(
    nn.RMSNorm,
    record_rms_norm,
    check_layer,
    infer_shape,
    source=_RMS,
    symbols=SYMBOLS,
    facts=normalization_facts,
)
GroupNorm = GroupNormOperator(
    nn.GroupNorm,
    record_group_norm,
    check_group_norm,
    infer_group_norm,
    source=_GROUP,
    symbols=SYMBOLS,
    facts=normalization_facts,
)
LocalResponseNorm = Operator(
    nn.LocalResponseNorm,
    record_local_response_norm,
    check_layer,
    source=_RESPONSE,
    symbols=RESPONSE,
    facts=response_facts,
)
Normalization = ComparisonOperator(
    None,
    record_comparison,
    check=check_comparison,
    infer=infer_groups,
    run=run_comparison,
    label="Normalization",
    source=_GROUP,
    symbols=COMPARED,
)
