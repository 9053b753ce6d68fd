"""One thread for torch: the tensors explained here are small, and a batch is parallel by processes."""

from __future__ import annotations

import torch


def use_one_thread() -> None:
    """Keep torch from starting threads, which a forked process would not inherit."""
    torch.set_num_threads(1)
