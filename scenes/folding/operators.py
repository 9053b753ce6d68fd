"""Unfold and Fold, as torch declares them."""

from __future__ import annotations

from torch import nn

from torchreel.scenes.folding.checks import check_fold, check_unfold, infer_fold
from torchreel.scenes.folding.facts import fold_facts, unfold_facts
from torchreel.scenes.folding.trace import FoldOperator, record_fold, record_unfold
from torchreel.scenes.trace.operator import Operator

Unfold = Operator(nn.Unfold, record_unfold, check_unfold, facts=unfold_facts)
Fold = FoldOperator(
    nn.Fold,
    record_fold,
    check_fold,
    infer_fold,
    symbols={"x": "s", "overlap": "n", "running": "y", "canvas": "y", "covered": "n"},
    facts=fold_facts,
)
