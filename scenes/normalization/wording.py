"""How a normalization layer is spoken of: its laws in symbols, what is left out, how its numbers are written."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from torchreel.scenes.normalization.desk import ROOTS, shortened
from torchreel.scenes.normalization.sets_trace import Partition, epsilon
from torchreel.scenes.normalization.trace import added, is_frozen, partition
from torchreel.scenes.parts.layout import STAGE
from torchreel.scenes.parts.look import MIN_TEXT
from torchreel.scenes.parts.text import measure
from torchreel.scenes.stage.scene import OperatorScene
from torchreel.scenes.trace.formula import Index, Token


class NormalizationWords(OperatorScene):
    """A layer over sets that share statistics.

    `kind` is the layer's part of the captions that say which elements form a set, `quotient` what the normalized values
    are.
    """

    kind: ClassVar[str]
    quotient: ClassVar[str] = "x̂ = (x − μ) / s"

    def values(self) -> dict[str, Any]:
        sets, module = self.sets, self.trace.module
        eps = getattr(module, "eps", None)
        return {
            "count": sets.size,
            "sets": int(np.prod(sets.sets)),
            "eps": f"{eps:g}" if eps is not None else "finfo.eps",
        }

    @cached_property
    def sets(self) -> Partition:
        """The sets of elements that share statistics."""
        return partition(self.trace.module, self.trace.shape("input"))

    @property
    def frozen(self) -> bool:
        """Whether the statistics are the running ones."""
        return is_frozen(self.trace.module)

    @property
    def is_affine(self) -> bool:
        """Whether there is a weight or a bias."""
        return any(name in self.trace.tensors for name in ("weight", "bias"))

    @property
    def axes(self) -> str:
        """A letter for each axis of the input, as torch's pages call them; none where they have no names."""
        return {2: "nc", 3: "ncl", 4: "nchw", 5: "ncdhw"}.get(len(self.trace.shape("input")), "")

    @property
    def sets_key(self) -> str:
        """The caption that says what a set is."""
        return f"sets_{self.kind}_eval" if self.frozen else f"sets_{self.kind}"

    @property
    def affine_key(self) -> str:
        """The caption of the last step."""
        has = [name in self.trace.tensors for name in ("weight", "bias")]
        return "affine" if all(has) else "scaled" if has[0] else "moved"

    def text(self, tensor: str, value: float) -> str:
        """A value as drawn, without zeros that only eps keeps from being exact."""
        said = super().text(tensor, value)
        return said if tensor in ROOTS else shortened(said, value)

    def definitions(self) -> list[str]:
        """The statistics of a set in symbols, as far as they are computed here and torch needs nothing more."""
        if "noise" in self.trace.tensors:
            return []
        root = [f"s = √(σ² + {self._eps})"]
        count = self.sets.size
        return root if self.frozen else [f"μ = Σ x / {count}", f"σ² = Σ (x − μ)² / {count}", *root]

    def _printed(self, tensor: str, value: float, decimals: int) -> str:
        said = super()._printed(tensor, value, decimals)
        return said if tensor in ROOTS else shortened(said, value)

    def _law(self, quotient: str) -> list[Token]:
        has = [name for name in ("weight", "bias") if name in self.trace.tensors]
        factor, term = "weight·" if "weight" in has else "", " + bias" if "bias" in has else ""
        return [Token(f"output = {factor}{quotient}{term}")]

    def _law_of_output(self) -> str:
        """What the output is made of: the quotient, or what weight and bias make of it."""
        factor, term = (name in self.trace.tensors for name in ("weight", "bias"))
        if not factor and not term:
            return self.quotient.partition(" = ")[2]
        return f"{'w·' if factor else ''}x̂{' + b' if term else ''}"

    @property
    def _eps(self) -> str:
        """What is added to the variance, as formulas write it."""
        return epsilon(self._tiny).text

    @property
    def _tiny(self) -> float:
        """What torch adds to the variance."""
        x: Any = self.trace.tensors["input"]
        return added(self.trace.module, x.dtype)

    def _note(self, shown: Index, whole: Index) -> str:
        """What is left out, what the statistics are, and how large ε is where it is written as a letter."""
        cut = [self.words("corner", shown=shown, whole=whole)] if shown != whole else []
        legend = [f"ε = {self._tiny:.2g}"] if self._eps == "ε" else []
        said = "   ".join((*cut, *self.definitions(), *legend))
        return said if measure(said, MIN_TEXT, "sans") < STAGE.width else "   ".join((*cut, *legend))
