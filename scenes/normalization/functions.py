"""The functions that are normalization layers."""

from __future__ import annotations

from torchreel.assets.errors import UserError
from torchreel.scenes.trace.functions import Arguments, Function, by_dims

_BATCH = {2: "BatchNorm1d", 3: "BatchNorm1d", 4: "BatchNorm2d", 5: "BatchNorm3d"}
_INSTANCE = {3: "InstanceNorm1d", 4: "InstanceNorm2d", 5: "InstanceNorm3d"}
_WEIGHTS = ("weight", "bias")
_STATISTICS = ("running_mean", "running_var")


def _scaled(arguments: Arguments) -> bool:
    return any(arguments.get(name) is not None for name in _WEIGHTS)


def _tracked(arguments: Arguments) -> Arguments:
    """Without running statistics those of the input are taken, as in training."""
    tracks = any(arguments[name] is not None for name in _STATISTICS)
    if not tracks and not arguments.get("training", arguments.get("use_input_stats")):
        raise UserError("running_mean and running_var must be given in evaluation mode.")
    features = {"num_features": arguments["input"].shape[1]}
    return {**features, "affine": _scaled(arguments), "track_running_stats": tracks}


def _layer(arguments: Arguments) -> Arguments:
    return {"elementwise_affine": _scaled(arguments)}


def _groups(arguments: Arguments) -> Arguments:
    return {"num_channels": arguments["input"].shape[1], "affine": _scaled(arguments)}


FUNCTIONS = (
    Function(
        by_dims(_BATCH),
        ("batch_norm",),
        _tracked,
        state=(*_WEIGHTS, *_STATISTICS),
        operators=("BatchNorm1d", "BatchNorm2d", "BatchNorm3d"),
    ),
    Function(
        by_dims(_INSTANCE),
        ("instance_norm",),
        _tracked,
        state=(*_WEIGHTS, *_STATISTICS),
        operators=tuple(_INSTANCE.values()),
    ),
    Function("LayerNorm", ("layer_norm",), _layer, state=_WEIGHTS),
    Function("RMSNorm", ("rms_norm",), _layer, state=("weight",)),
    Function("GroupNorm", ("group_norm",), _groups, state=_WEIGHTS),
    Function("LocalResponseNorm", ("local_response_norm",)),
)
