"""What stands where in a clip. A board knows places and parts; the story knows when, and plays what it returns."""

from __future__ import annotations

import math

from torchreel.scenes.parts.desk import Desk
from torchreel.scenes.parts.look import MIN_TEXT
from torchreel.scenes.parts.text import Text, measure
from torchreel.scenes.stage.bars import STAGE_BOTTOM

_NOTE = 0.17


class Board(Desk):
    """The base of every family's boards: a desk whose parts have places on the stage.

    A subclass builds its parts when it is made and offers verbs that return animations and never play them.
    """

    def note(self, text: str, end: float = math.inf) -> Text:
        """A line at the foot of the stage: what is left out, what a colour means; in the middle, or before `end`."""
        x = min(0.0, end - measure(text, MIN_TEXT) / 2)
        return self.label(text, (x, STAGE_BOTTOM + _NOTE), MIN_TEXT, font="sans")
