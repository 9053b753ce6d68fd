"""A small zoo of nets, each with an input: what people record."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Residual(nn.Module):
    """Two convolutions and what went in."""

    def __init__(self, given: int, made: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(given, made, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(made)
        self.act = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(made, made, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(made)
        same = stride == 1 and given == made
        self.short = nn.Identity() if same else nn.Conv2d(given, made, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.act(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        y += self.short(x)
        return self.act(y)


class ResNet(nn.Module):
    """The shape of resnet18, eight times as narrow."""

    def __init__(self, width: int = 8, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.act = nn.ReLU(inplace=True)
        self.pool = nn.MaxPool2d(3, 2, 1)
        sizes = [
            (width, width, 1),
            (width, 2 * width, 2),
            (2 * width, 4 * width, 2),
            (4 * width, 8 * width, 2),
        ]
        for number, (given, made, stride) in enumerate(sizes, 1):
            layer = nn.Sequential(Residual(given, made, stride), Residual(made, made))
            self.add_module(f"layer{number}", layer)
        self.mean = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(8 * width, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.act(self.norm1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.head(torch.flatten(self.mean(x), 1))


def _double(given: int, made: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(given, made, 3, padding=1), nn.ReLU(), nn.Conv2d(made, made, 3, padding=1), nn.ReLU()
    )


class UNet(nn.Module):
    """Down twice and up twice, with what was there on the way down."""

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.down1, self.down2 = _double(1, width), _double(width, 2 * width)
        self.deep = _double(2 * width, 4 * width)
        self.pool = nn.MaxPool2d(2)
        self.up2, self.join2 = nn.ConvTranspose2d(4 * width, 2 * width, 2, 2), _double(4 * width, 2 * width)
        self.up1, self.join1 = nn.ConvTranspose2d(2 * width, width, 2, 2), _double(2 * width, width)
        self.out = nn.Conv2d(width, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        first = self.down1(x)
        second = self.down2(self.pool(first))
        y = self.join2(torch.cat([self.up2(self.deep(self.pool(second))), second], 1))
        return self.out(self.join1(torch.cat([self.up1(y), first], 1)))


class Classifier(nn.Module):
    """Words to classes by an LSTM that reads both ways."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(50, 8)
        self.reader = nn.LSTM(8, 6, batch_first=True, bidirectional=True)
        self.drop = nn.Dropout(0.2)
        self.head = nn.Linear(12, 3)

    def forward(self, x: Tensor) -> Tensor:
        _, (last, _) = self.reader(self.words(x))
        return self.head(self.drop(torch.cat([last[0], last[1]], 1)))


class Speech(nn.Module):
    """Frames to log-probabilities of letters, for CTC."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(5, 8, 3, padding=1)
        self.act = nn.Hardtanh(0, 20)
        self.reader = nn.GRU(8, 6)
        self.head = nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        y = self.act(self.conv(x)).permute(2, 0, 1)
        return F.log_softmax(self.head(self.reader(y)[0]), 2)


class Dense(nn.Module):
    """A layer whose result is put beside what it read."""

    def __init__(self, given: int, made: int) -> None:
        super().__init__()
        self.norm, self.act = nn.BatchNorm2d(given), nn.ReLU()
        self.conv = nn.Conv2d(given, made, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.conv(self.act(self.norm(x)))], 1)


def _generator() -> nn.Module:
    layers: list[nn.Module] = []
    for given, made, stride, padding in ((8, 16, 1, 0), (16, 8, 2, 1)):
        layers += [nn.ConvTranspose2d(given, made, 4, stride, padding), nn.BatchNorm2d(made), nn.ReLU(True)]
    return nn.Sequential(*layers, nn.ConvTranspose2d(8, 3, 4, 2, 1), nn.Tanh())


def _dense() -> nn.Module:
    first = nn.Sequential(*(Dense(4 + 2 * k, 2) for k in range(6)))
    second = nn.Sequential(*(Dense(16 + 2 * k, 2) for k in range(12)))
    return nn.Sequential(
        nn.Conv2d(3, 4, 3),
        first,
        nn.AvgPool2d(2),
        second,
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(40, 5),
    )


def _deep() -> nn.Module:
    """366 layers in a row."""
    acts = (nn.ReLU, nn.Tanh, nn.Sigmoid)
    sizes = [8 + k % 3 for k in range(184)]
    pairs = [(nn.Linear(sizes[k], sizes[k + 1]), acts[k % 3]()) for k in range(183)]
    return nn.Sequential(*(layer for pair in pairs for layer in pair))


def _encoder() -> nn.Module:
    return nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 3).eval()


def zoo() -> dict[str, tuple[nn.Module, Tensor]]:
    """Each net with an input, the same at every call."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return {
            "resnet": (ResNet(), torch.randn(1, 3, 64, 64)),
            "unet": (UNet(), torch.randn(1, 1, 16, 16)),
            "classifier": (Classifier(), torch.randint(0, 50, (2, 7))),
            "generator": (_generator(), torch.randn(2, 8, 1, 1)),
            "speech": (Speech(), torch.randn(2, 5, 12)),
            "encoder": (_encoder(), torch.randn(1, 5, 8)),
            "dense": (_dense(), torch.randn(1, 3, 18, 18)),
            "deep": (_deep(), torch.randn(2, 8)),
        }
