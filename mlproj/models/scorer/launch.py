"""Started by path with the Python of a model's environment: runs the worker on the socket whose descriptor is given,
to end when a second one is closed, if there is one.

The folder of this file becomes the package `mlproj_scorer`. It is taken off the path that modules are looked up
on, where Python puts it, so that no model finds ours in place of one of its own.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path

PACKAGE = "mlproj_scorer"


def load_package(name: str = PACKAGE) -> None:
    """Makes a package of this folder."""
    folder = Path(__file__).resolve().parent
    sys.path[:] = [place for place in sys.path if Path(place).resolve() != folder]
    spec = importlib.util.spec_from_file_location(
        name, str(folder / "__init__.py"), submodule_search_locations=[str(folder)]
    )
    assert spec is not None and spec.loader is not None
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])


if __name__ == "__main__":
    load_package()
    importlib.import_module(PACKAGE + ".worker").main(*map(int, sys.argv[1:]))
