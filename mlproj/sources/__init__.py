"""Where projects come from. ``sources.open`` finds the kind; the kinds know the rest.

``open`` accepts, each with ``#sub/dir`` for a project below the top:

* a folder (run in place), or ``file:///folder``;
* Git: a bare repository's path, ``file:///repository``, ``https://``, ``http://``, ``ssh://``, ``git://``,
  ``git@host:path``, the same with ``git+`` in front, ``gh:owner/repo`` and ``gl:group/repo``;
* a ``.zip``, ``.tar``, ``.tar.gz``, ``.tgz``, ``.tar.bz2`` or ``.tar.xz`` file, local or by ``http(s)://``;
* ``NAME:anything`` where an installed package provides the kind NAME (entry-point group ``mlproj.sources``).
"""

from mlproj.sources.address import Address, detect
from mlproj.sources.base import Checkout, Revision, Source
from mlproj.sources.opening import open  # noqa: A004  # read as sources.open
from mlproj.sources.workspace import sweep

__all__ = ["Address", "Checkout", "Revision", "Source", "detect", "open", "sweep"]
