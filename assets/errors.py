"""What torchreel raises: everything is a `TorchreelError`, a user's mistake is a `UserError`."""

from __future__ import annotations


class TorchreelError(ValueError):
    """Anything that torchreel refuses, in one line."""


class UserError(TorchreelError):
    """A user's mistake, said in one line: what was given, what was expected, what to do. The exit code is 2."""
