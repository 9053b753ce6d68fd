"""torchreel: see what a tensor operator does, with the numbers torch really computes.

Importing this package imports neither torch nor Manim; both come in when a clip is rendered.
"""

__version__ = "0.1.0"
