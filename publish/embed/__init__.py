"""Clips put into notebooks and Markdown files, by splicing text: no byte outside of torchreel's own blocks changes."""
