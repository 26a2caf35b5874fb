"""Any object with ``predict``, as code plus files: its class says how it is saved and loaded.

``save(folder)`` writes what the object knows, the class method ``load(folder)`` makes it again; what has not both is
pickled when that is asked for. The module of the class goes along as code, with a small loader that MLflow calls.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from mlproj.foundation.errors import UsageError
from mlproj.models.writing import pickling
from mlproj.models.writing.written import Order, Written

_LOADER = '''"""Loads the model for MLflow and for mlproj, which call this."""


def _load_pyfunc(path, config=None):
    {body}
'''


def write(order: Order) -> Written:
    """The object's files below ``data``, and the code that reads them."""
    kind = type(order.model)
    if not callable(getattr(kind, "predict", None)):
        raise UsageError(f"an object of {kind.__qualname__} cannot be a model: it has no method predict")
    data = order.folder / "data"
    data.mkdir()
    saves = callable(getattr(kind, "save", None)) and callable(getattr(kind, "load", None))
    if saves and not order.pickle:
        body, serialization = _save(order.model, data), "files"
    else:
        pickling.required(order.pickle, f"an object of {kind.__qualname__}, which has no methods save and load,")
        serialization = pickling.dump(order.model, data / "model.pkl")
        body = f'import {serialization}, os\n\n    with open(os.path.join(path, "model.pkl"), "rb") as file:\n'
        body += f"        return {serialization}.load(file)"
    loader = f"mlproj_loader_{order.uuid[:12]}"
    (order.folder / "code").mkdir()
    (order.folder / "code" / f"{loader}.py").write_text(_LOADER.format(body=body))
    needs = ("cloudpickle",) if serialization == "cloudpickle" else ()
    return Written("", {}, {"loader_module": loader, "data": "data"}, serialization, needs, _code_of(kind))


def _save(model: Any, folder: Path) -> str:
    kind = type(model)
    if kind.__module__ == "__main__" or "<locals>" in kind.__qualname__:
        raise UsageError(
            f"{kind.__qualname__} is a class of the program itself and cannot be imported from there",
            hint="move it to a module of its own",
        )
    model.save(str(folder))
    return f"import {kind.__module__} as module\n\n    return module.{kind.__qualname__}.load(path)"


def _code_of(kind: type) -> tuple[Path, ...]:
    """The file or package that a class is in, unless that is installed or the program itself."""
    top = kind.__module__.split(".")[0]
    if top in ("__main__", "builtins") or top in sys.stdlib_module_names:
        return ()
    file = getattr(importlib.import_module(top), "__file__", None)
    if file is None or {"site-packages", "dist-packages"} & set(Path(file).parts):
        return ()
    return (Path(file).parent if Path(file).name == "__init__.py" else Path(file),)
