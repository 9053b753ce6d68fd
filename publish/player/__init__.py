"""Clips in one HTML page: step by step, with every number in the picture to point at."""
