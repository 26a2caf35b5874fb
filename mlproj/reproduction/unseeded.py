"""Random numbers in a project's code that nothing seeds, found by reading it."""

from __future__ import annotations

import ast
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from mlproj.environments.declarations import imports, python_source
from mlproj.foundation.errors import MlprojError
from mlproj.projects.base import EntryPoint
from mlproj.reproduction import random_calls
from mlproj.reproduction.random_calls import STATE, SYSTEM

_SCRIPT = re.compile(r"[\w./-]+\.py\b")
_SHELL = re.compile(r"\$\{?RANDOM\b")
_SHOWN = 3


def find(folder: Path, point: EntryPoint) -> list[str]:
    """Where *point* of the project in *folder* draws random numbers without a seed: a line for people for each library,
    with places.

    Read are the scripts that its command names with what they import of the project; where it names none, all Python
    files.
    """
    draws: dict[str, list[str]] = defaultdict(list)
    seeded: set[str] = set()
    for file in _files(folder, point):
        for name, call in _calls(file):
            if use := random_calls.classify(name, call):
                seeded.update(use.seeds)
                if use.draws:
                    draws[use.draws].append(f"{file.relative_to(folder)}:{call.lineno} ({name})")
    if "numpy" in seeded:
        draws.pop(STATE, None)  # without one scikit-learn draws from NumPy's
    found = [_sentence(library, places) for library, places in draws.items() if library not in seeded]
    return [*found, *(["the shell's $RANDOM is used by the command"] if _SHELL.search(point.command) else [])]


def _sentence(library: str, places: list[str]) -> str:
    shown = ", ".join(places[:_SHOWN]) + (f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else "")
    if library == STATE:
        return f"random_state is not given at {shown}"
    if library == SYSTEM:
        return f"random numbers come from the system, which no seed decides, at {shown}"
    return f"{library} is never seeded, and draws random numbers at {shown}"


def _files(folder: Path, point: EntryPoint) -> list[Path]:
    named = (
        [point.script]
        if point.script
        else [Path(os.path.normpath(folder / name)) for name in _SCRIPT.findall(point.command)]
    )
    scripts = [
        script for script in named if script.suffix == ".py" and script.is_file() and script.is_relative_to(folder)
    ]
    scans = [imports.scan(folder, script) for script in scripts] or [imports.scan(folder)]
    found = {file: None for scan in scans for file in scan.files}
    return [file for file in found if file.is_relative_to(folder)]


def _calls(file: Path) -> Iterator[tuple[str, ast.Call]]:
    """Every call of a file, by the full name of what is called: ``np.random.rand`` is ``numpy.random.rand``.

    A name that the file does not import has no more than its last part.
    """
    try:
        tree = python_source.parse(file)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OSError, MlprojError):
        return
    names = dict(_imported(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (written := _written(node.func)):
            first, dot, rest = written.partition(".")
            yield (names[first] + dot + rest if first in names else written.rpartition(".")[2]), node


def _imported(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for one in node.names:
                yield (one.asname, one.name) if one.asname else (one.name.partition(".")[0], one.name.partition(".")[0])
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for one in node.names:
                yield one.asname or one.name, f"{node.module}.{one.name}"


def _written(node: ast.expr) -> str | None:
    """A dotted name as it is written, None for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else None
