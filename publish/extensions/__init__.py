"""What other programs load by a name of their own: modules of `torchreel`, as its `__init__.py` has them found."""
