"""Clips as slides: a PowerPoint deck, one HTML page, a PDF of the figures, or a deck for manim-slides."""
