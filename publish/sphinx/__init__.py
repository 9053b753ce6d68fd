"""Clips in Sphinx: noted while pages are read, made in one batch, written as each builder can show them."""
