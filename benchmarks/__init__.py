"""Measurements of torchreel against stock Manim: `make bench`. Not part of the package."""
