"""The functions that are dropouts."""

from __future__ import annotations

from torchreel.scenes.trace.functions import Function, by_dims

_BY_NAME = {
    "Dropout": "dropout",
    "Dropout1d": "dropout1d",
    "Dropout2d": "dropout2d",
    "Dropout3d": "dropout3d",
    "AlphaDropout": "alpha_dropout",
    "FeatureAlphaDropout": "feature_alpha_dropout",
}
_MAPS = {3: "Dropout1d", 4: "Dropout2d", 5: "Dropout3d"}

FUNCTIONS = (
    *(Function(operator, (name,)) for operator, name in _BY_NAME.items()),
    Function(by_dims(_MAPS), ("feature_dropout",), operators=tuple(_MAPS.values())),
)
