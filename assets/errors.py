"""The one exception for a user's mistake."""

from __future__ import annotations


class UserError(ValueError):
    """A user's mistake, said in one line: what was given, what was expected, what to do. The exit code is 2."""
