"""How numbers are written on the boards of normalization layers."""

from __future__ import annotations

from torchreel.scenes.stage.board import Board
from torchreel.scenes.trace.printed import written

ROOTS = ("std", "rms")
"""What is written with its zeros, since eps is in it."""
_CLOSE = 1e-4


class NormDesk(Board):
    """A board whose numbers are written without the zeros that eps brings about: −1.5 for −1.4999998."""

    def shorter(self, tensor: str, value: float) -> str:
        """A value as drawn, without zeros that only eps keeps from being exact."""
        said = self.look.written(value, self.trace.range(tensor))
        return said if tensor in ROOTS else shortened(said, value)

    def texts(self, *tensors: str) -> list[str]:
        """How the elements of some tensors are drawn."""
        return [
            self.shorter(name, value) for name in tensors for value in self.trace.sample(name).tolist()
        ] or ["0"]


def shortened(text: str, value: float) -> str:
    """A rounded number without zeros at its end, where these are right to four decimals."""
    shorter = text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text
    if shorter == text or abs(float(shorter.replace("−", "-")) - value) > _CLOSE:
        return text
    return written(float(shorter.replace("−", "-")), 2)
