"""What the clips of all losses share: how the law and the call are written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Token


class LossScene(OperatorScene):
    """The base of the clips of losses; the element-wise ones and those of vectors each tell their own story."""

    @property
    def module(self) -> Any:
        """The loss module, with its settings."""
        return self.trace.module

    def law(self) -> list[Token]:
        """The loss as torch defines it, in symbols."""
        return [Token(self.words("law"))]

    def call(self) -> list[tuple[str, bool]]:
        """Tensors among the arguments are written as tensors, not as the lists that examples have for them."""
        shown = {
            f"{name}={value!r}": f"{name}={self.written(value)}"
            for name, value in self.trace.kwargs.items()
            if isinstance(value, (tuple, list))
        }
        return [(shown.get(text, text), focus) for text, focus in super().call()]

    def written(self, values: Sequence[float]) -> str:
        """A tensor among the arguments, as one writes it to make it."""
        return f"torch.tensor({list(values)!r})"
