"""The functions that are linear layers."""

from __future__ import annotations

from torchreel.scenes.trace.functions import Arguments, Function, shaped


def _linear(arguments: Arguments) -> Arguments:
    rows, features = shaped(arguments, "weight", "out_features, in_features")
    return {"in_features": features, "out_features": rows}


def _bilinear(arguments: Arguments) -> Arguments:
    rows, first, second = shaped(arguments, "weight", "out_features, in1_features, in2_features")
    return {"in1_features": first, "in2_features": second, "out_features": rows}


FUNCTIONS = (
    Function("Linear", ("linear",), _linear, state=("weight", "bias")),
    Function("Bilinear", ("bilinear",), _bilinear, state=("weight", "bias")),
)
