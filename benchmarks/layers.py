"""Layers of well-known nets at their usual input: the operator, its settings, and the shape that comes in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Layer:
    """One layer as `torchreel render operator --set … --input "torch.randn(shape)"` makes it."""

    net: str
    operator: str
    settings: dict[str, str]
    shape: tuple[int, ...]

    @property
    def input(self) -> str:
        """The input as it is typed."""
        return f"torch.randn{self.shape}"

    def __str__(self) -> str:
        settings = ", ".join(f"{name}={value}" for name, value in self.settings.items())
        return f"{self.net}: {self.operator}({settings}) on {' x '.join(map(str, self.shape))}"


def _conv(net: str, shape: tuple[int, ...], outs: int, kernel: int, stride: int = 1, padding: int = 0,
          groups: int = 1, operator: str = "Conv2d") -> Layer:  # fmt: skip
    settings = {
        "out_channels": outs,
        "kernel_size": kernel,
        "stride": stride,
        "padding": padding,
        "groups": groups,
    }
    return Layer(net, operator, {name: str(value) for name, value in settings.items()}, shape)


def _linear(net: str, shape: tuple[int, ...], outs: int) -> Layer:
    return Layer(net, "Linear", {"out_features": str(outs)}, shape)


LAYERS = (
    _linear("vgg11", (1, 25088), 4096),
    _conv("vgg11", (1, 64, 224, 224), 64, 3, padding=1),
    _conv("vgg11", (1, 64, 112, 112), 128, 3, padding=1),
    _conv("vgg11", (1, 256, 56, 56), 256, 3, padding=1),
    _conv("resnet18", (1, 3, 224, 224), 64, 7, 2, 3),
    _conv("resnet18", (1, 64, 56, 56), 64, 3, padding=1),
    _conv("resnet18", (1, 512, 7, 7), 512, 3, padding=1),
    _conv("inception_v3", (1, 32, 147, 147), 64, 3),
    _conv("inception_v3", (1, 80, 73, 73), 192, 3),
    _conv("vit_b_16", (1, 3, 224, 224), 768, 16, 16),
    _linear("vit_b_16", (1, 197, 768), 3072),
    _linear("vit_b_16", (1, 197, 3072), 768),
    _conv("convnext_tiny", (1, 96, 56, 56), 96, 7, padding=3, groups=96),
    _linear("convnext_tiny", (1, 56, 56, 96), 384),
    _linear("convnext_tiny", (1, 7, 7, 3072), 768),
    _linear("swin_t", (1, 56, 56, 384), 96),
    _linear("swin_t", (1, 14, 14, 1536), 384),
    _conv("efficientnet_b0", (1, 1152, 7, 7), 1152, 5, padding=2, groups=1152),
    _conv("r3d_18", (1, 3, 16, 112, 112), 64, 3, padding=1, operator="Conv3d"),
    Layer(
        "speech", "LSTM", {"hidden_size": "128", "num_layers": "1", "bidirectional": "False"}, (50, 1, 128)
    ),
)
QUICK = (LAYERS[0], LAYERS[1], LAYERS[10])
