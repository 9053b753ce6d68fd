"""`extensions = ["torchreel.sphinx"]`: clips in the pages of Sphinx.

It stands here, on the path of the package `torchreel`, and not at its top: the checkout is the package, so a `sphinx`
there would be taken for Sphinx itself by whatever runs in that folder, while this folder is never on Python's own path.
So it is the same name from a checkout, an editable install and a wheel. What it does is in `publish/sphinx`.
"""

from torchreel.publish.sphinx.extension import setup

__all__ = ["setup"]
