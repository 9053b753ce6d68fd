"""A static site of all clips in a folder."""
