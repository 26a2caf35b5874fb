"""What a project's code needs that its files do not bring: accounts, files that are not there, registered models,
variables.

It is found by reading Python files as text and syntax trees, a bounded number of them; nothing is run. So it is a
guess, and worded as one: an earlier step may download what is missing.
"""

from __future__ import annotations

import ast
import os
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from mlproj.foundation import file_tree
from mlproj.foundation.dataclass import dataclass, field
from mlproj.foundation.errors import Notice, Place, did_you_mean
from mlproj.projects import code_values
from mlproj.projects.accounts import ADDRESSES, CALLS, Account

_MOST_FILES, _MOST_ENTRIES, _LARGEST = 500, 20_000, 512 * 1024
_NOT_THE_PROGRAM = frozenset(
    "tests test docs doc examples venv env site-packages node_modules __pycache__ build dist mlruns mlartifacts wandb"
    " outputs".split()
)
_READERS = frozenset(
    "read_csv read_parquet read_excel read_json read_table read_pickle read_feather read_hdf read_text read_bytes open"
    " load loadtxt genfromtxt imread loadmat scan_csv scan_parquet".split()
)
_LOADERS = frozenset(("np", "numpy", "joblib", "torch", "pickle", "pd", "pl", "cv2", "Image", "io", "builtins"))
_GIVEN = frozenset("PATH HOME USER PWD SHELL LANG TMPDIR LOGNAME HOSTNAME VIRTUAL_ENV CONDA_PREFIX PYTHONPATH".split())


def may_lack(reference: str) -> str | None:
    """What a registry that nobody can ask may lack of a model."""
    return f"models:/{reference:.80} may not be registered where the run is recorded"


@dataclass
class _Found:
    """What one reading of the code brings together."""

    reads: list[tuple[str, Place]] = field(default_factory=list)
    accounts: dict[Account, Place] = field(default_factory=dict)
    variables: dict[str, Place] = field(default_factory=dict)
    models: dict[str, Place] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)


def find(folder: Path, lacks: Callable[[str], str | None] = may_lack) -> list[Notice]:
    """What the code in *folder* may lack on a stranger's machine, each once with its first place.

    *lacks* says what the registry lacks of what follows ``models:/``, None when it has it.
    """
    found, dvc = _Found(), list[Path]()
    for path in _files(folder):
        if path.suffix == ".dvc":
            dvc.append(path)
        elif tree := _parsed(path):
            _read(tree, path.relative_to(folder).as_posix(), found)
    return [
        *_accounts(found),
        *_missing_files(found, folder, dvc),
        *_tracked_by_dvc(dvc, folder),
        *_models(found, lacks),
        *_variables(found),
    ]


def _files(folder: Path) -> Iterator[Path]:
    seen = kept = 0
    for where, folders, names in file_tree.walk(folder):
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and name.lower() not in _NOT_THE_PROGRAM
        )
        folders[:] = [name for name in folders if not os.path.lexists(Path(where, name, "pyvenv.cfg"))]
        for name in sorted(names):
            seen += 1
            if name.endswith((".py", ".dvc")) and name not in ("setup.py", ".dvc"):
                kept += 1
                yield Path(where, name)
        if seen > _MOST_ENTRIES or kept > _MOST_FILES:
            return


def _parsed(path: Path) -> ast.Module | None:
    try:
        if path.stat().st_size > _LARGEST or not path.is_file():
            return None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the file's own strings
            return ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _read(tree: ast.Module, file: str, found: _Found) -> None:
    names, constants = code_values.imported(tree), code_values.constants(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            _read_call(node, file, names, constants, found)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            _read_text(node, file, found)
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            _read_variable(node, file, names, found)


def _read_call(node: ast.Call, file: str, names: dict[str, str], constants: dict[str, ast.expr], found: _Found) -> None:
    called = code_values.dotted(node.func, names)
    place = Place(file, node.lineno, node.col_offset + 1)
    account = next((CALLS[prefix] for prefix in code_values.prefixes(called) if prefix in CALLS), None)
    if account:
        found.accounts.setdefault(account, place)
    path = code_values.path_of(node, constants)
    if path is not None and _reads(node, called):
        found.reads.append((path, place))
    else:  # what else is done with a path may well make it
        found.written.update([path] if path else [], code_values.texts(node, constants))


def _reads(node: ast.Call, called: str) -> bool:
    owner, _, name = called.rpartition(".")
    if name not in _READERS or (
        name in ("open", "load") and owner and owner.partition(".")[0] not in {*_LOADERS, "PIL", "Path"}
    ):
        return False
    return name != "open" or not set(code_values.mode(node)) & set("wax+")


def _read_text(node: ast.Constant, file: str, found: _Found) -> None:
    text, place = str(node.value), Place(file, node.lineno, node.col_offset + 1)
    if text.startswith("models:/") and len(text) > len("models:/"):
        found.models.setdefault(text.removeprefix("models:/").strip("/"), place)
    for beginning, account in ADDRESSES.items():
        if text.startswith(beginning) and "\n" not in text:
            found.accounts.setdefault(account, place)


def _read_variable(node: ast.Subscript, file: str, names: dict[str, str], found: _Found) -> None:
    if code_values.dotted(node.value, names) == "os.environ" and isinstance(node.slice, ast.Constant):
        name = node.slice.value
        if isinstance(name, str) and name not in _GIVEN and not name.startswith(("MLFLOW_", "MLPROJ_")):
            found.variables.setdefault(name, Place(file, node.lineno, node.col_offset + 1))


def _accounts(found: _Found) -> Iterator[Notice]:
    for account, place in found.accounts.items():
        yield Notice(
            f"the code uses {account.what}, for which whoever runs it needs {account.needs}", place, account.hint
        )


def _missing_files(found: _Found, folder: Path, dvc: list[Path]) -> Iterator[Notice]:
    tracked = {path.with_suffix("").relative_to(folder).as_posix() for path in dvc}
    seen = set[str]()
    for path, place in found.reads:
        if path in seen or path in found.written or "://" in path or not path.strip() or _is_tracked(path, tracked):
            continue
        seen.add(path)
        if Path(path).is_absolute() or path[1:3] in (":\\", ":/"):
            if not _exists(Path(path)):
                yield Notice(
                    f"the code reads {path}, a place on its author's machine",
                    place,
                    "make the path a parameter of the entry point",
                )
        elif not _exists(folder / path) and not _exists(folder / Path(place.file).parent / path):
            guess = did_you_mean(
                Path(path).name, _names_beside(folder / path) or _names_beside(folder / Path(path).name)
            )
            message = f"the code reads {path}, which is not in the project; an earlier step may make or download it"
            yield Notice(message, place, f"did you mean {guess}?" if guess else None)


def _is_tracked(path: str, tracked: set[str]) -> bool:
    return any(os.path.normpath(path) == one or os.path.normpath(path).startswith(f"{one}/") for one in tracked)


def _names_beside(path: Path) -> list[str]:
    try:
        return sorted(os.listdir(path.parent))[:1000]  # noqa: PTH208
    except (OSError, ValueError):
        return []


def _exists(path: Path) -> bool:
    try:
        return os.path.exists(path)  # noqa: PTH110  # pathlib raises for names that are too long
    except ValueError:
        return False


def _tracked_by_dvc(files: list[Path], folder: Path) -> Iterator[Notice]:
    for path in files:
        if not _exists(path.with_suffix("")):
            name = path.with_suffix("").relative_to(folder).as_posix()
            message = f"{name} is kept by DVC and is not here; whoever runs the project needs access to its DVC remote"
            yield Notice(
                message,
                Place(path.relative_to(folder).as_posix(), 1),
                "dvc pull brings it, with the remote's credentials",
            )


def _models(found: _Found, lacks: Callable[[str], str | None]) -> Iterator[Notice]:
    for reference, place in found.models.items():
        name = re.split("[/@]", reference, maxsplit=1)[0]
        if name in found.written or set("{}%") & set(reference):
            continue
        if missing := lacks(reference):
            message = f"the code loads a registered model: {missing}"
            yield Notice(message, place, "register it there first, or let an earlier step do so")


def _variables(found: _Found) -> Iterator[Notice]:
    for name, place in found.variables.items():
        yield Notice(
            f"the code needs the variable {name} and fails where it is not set",
            place,
            f"export {name}=… before the run",
        )
