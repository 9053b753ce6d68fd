"""Clips into pages, notebooks, slides and sites."""
