"""Unfold and Fold, as torch declares them."""

from __future__ import annotations

from torch import nn

from torchreel.scenes.folding.checks import check_fold, check_unfold, infer_fold
from torchreel.scenes.folding.trace import FoldOperator, record_fold, record_unfold
from torchreel.scenes.trace.operator import Operator

Unfold = Operator(nn.Unfold, record_unfold, check_unfold)
Fold = FoldOperator(nn.Fold, record_fold, check_fold, infer_fold)
