"""A number on stage: the text of one tensor element, which remembers the element it is."""

from __future__ import annotations

from torchreel.assets.fonts import FontName
from torchreel.scenes.parts.text import Text
from torchreel.scenes.trace.formula import Index


class Number(Text):
    """The drawn `text` of element `index` of tensor `tensor`; the ledger is made of these."""

    def __init__(
        self,
        text: str,
        tensor: str,
        index: Index,
        value: float,
        size: float,
        color: str,
        font: FontName = "sans",
    ) -> None:
        super().__init__(text, size, color, font)
        self.tensor, self.index, self.value = tensor, index, value
