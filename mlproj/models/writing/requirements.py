"""What a model needs installed: the distributions of which a real prediction imports something, pinned."""

from __future__ import annotations

import importlib.metadata
import json
import pickle
import re
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mlproj.foundation import process
from mlproj.foundation.dataclass import dataclass, field
from mlproj.foundation.errors import MlprojError
from mlproj.models.writing.version import pin_of

_SECONDS = 300.0
# Part of each environment, or of mlproj itself, which the model is not asked with.
_NOT_NEEDED = {"pip", "setuptools", "wheel", "mlproj", "coverage", "distribute"}
_START = (
    "import runpy, sys; sys.path.extend({paths!r}); sys.argv = {argv!r}; "
    "runpy.run_module({module!r}, run_name='__main__')"
)


@dataclass(frozen=True)
class Measured:
    """What loading and asking a model in a fresh process showed.

    ``pins`` are requirements such as ``numpy==2.1.0``; ``outputs`` the schema of its answer to the example, None where
    it gave none; ``unpinned`` the distributions that no index has; ``trouble`` why it could not be asked.
    """

    pins: tuple[str, ...] = ()
    outputs: list[dict[str, Any]] | None = None
    unpinned: tuple[str, ...] = ()
    trouble: str | None = field(default=None)


def measure(spec: Mapping[str, Any], example: tuple[Any, Any] | None) -> Measured:
    """Load the model of a ModelSpec in a fresh Python like this one, and ask it the example's data and parameters."""
    with tempfile.TemporaryDirectory(prefix="mlproj-model-") as place:
        folder = Path(place)
        (folder / "spec.json").write_text(json.dumps(spec))
        if example is not None:
            (folder / "example").write_bytes(pickle.dumps(example))
        trouble = _run([str(folder / name) for name in ("spec.json", "example", "report.json")], folder)
        if trouble:
            return Measured(trouble=trouble)
        report = json.loads((folder / "report.json").read_text())
    pins, unpinned = pinned(report["modules"])
    return Measured(pins, report.get("outputs"), unpinned, report.get("error") or report.get("refused"))


def _run(arguments: list[str], folder: Path) -> str | None:
    """Have the report written; why it was not, None when it was."""
    code = _START.format(
        paths=_installed_places(),
        argv=["mlproj", *arguments],
        module="mlproj.models.writing.measured_imports",
    )
    try:
        done = process.run([sys.executable, "-IB", "-c", code], cwd=folder, timeout=_SECONDS)
    except MlprojError as error:
        return str(error)
    if done.returncode == 0:
        return None
    return (done.error_text.strip().splitlines() or ["it ended without a word"])[-1]


def _installed_places() -> list[str]:
    """Where packages are, without the program's own folder: what is imported from there is not there later."""
    ours = str(Path(__file__).parents[3])
    kept = [place for place in sys.path if {"site-packages", "dist-packages"} & set(Path(place).parts)]
    return [*kept, ours]


def pinned(modules: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The pins of the distributions that these modules (name → file) are of; and those that no index has."""
    found = sorted(_distributions(modules), key=lambda each: each.name.lower())
    pins = [pin_of(each.name) for each in found if not _is_local(each)]
    return tuple(pins), tuple(each.name for each in found if _is_local(each))


def _distributions(modules: Mapping[str, str]) -> Iterable[importlib.metadata.Distribution]:
    """Each distribution once that has the file of one of the modules."""
    by_top = importlib.metadata.packages_distributions()
    chosen: dict[str, importlib.metadata.Distribution] = {}
    for name, file in modules.items():
        names = by_top.get(name.split(".")[0], ())
        for each in names:
            if _key(each) not in _NOT_NEEDED and _key(each) not in chosen:
                distribution = importlib.metadata.distribution(each)
                if len(names) == 1 or _has(distribution, file):
                    chosen[_key(each)] = distribution
    return chosen.values()


def _key(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _has(distribution: importlib.metadata.Distribution, file: str) -> bool:
    """Whether a file is of it; several have parts of a namespace such as ``google``."""
    return any(Path(str(distribution.locate_file(each))) == Path(file) for each in distribution.files or ())


def _is_local(distribution: importlib.metadata.Distribution) -> bool:
    """Whether it was installed from a folder or a repository (PEP 610), so that no index has it."""
    origin = distribution.read_text("direct_url.json")
    return bool(origin) and "archive_info" not in json.loads(str(origin))
