"""The scorer runs in the environments of models, the Python of which may be old."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
from pathlib import Path

import pytest

import mlproj.models.scorer

ROOM = Path(mlproj.models.scorer.__file__).parent
FILES = sorted(ROOM.rglob("*.py"))
OLDEST = (3, 7)
_SUBSCRIPTED = {"dict", "frozenset", "list", "set", "tuple", "type"}
IMPORTS = """
import importlib, pkgutil, runpy, sys
launch = runpy.run_path(sys.argv[1])
launch["load_package"]()
package = sys.modules["mlproj_scorer"]
for module in pkgutil.walk_packages(package.__path__, "mlproj_scorer."):
    if module.name != "mlproj_scorer.launch":
        importlib.import_module(module.name)
print(sys.version_info[:2] if "numpy" not in sys.modules else "NumPy was imported")
"""


class Evaluated(ast.NodeVisitor):
    """What of a module is evaluated when it is imported or run: all but annotations."""

    def __init__(self) -> None:
        self.found: list[ast.AST] = []

    def visit(self, node: ast.AST) -> None:
        self.found.append(node)
        for name, value in ast.iter_fields(node):
            if name not in ("annotation", "returns"):
                for child in value if isinstance(value, list) else [value]:
                    if isinstance(child, ast.AST):
                        self.visit(child)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOM)))
def test_a_file_is_written_for_python_3_7(file: Path) -> None:
    tree = ast.parse(file.read_text(), feature_version=OLDEST)
    walked = Evaluated()
    walked.visit(tree)

    subscripted = [
        node.lineno
        for node in walked.found
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id in _SUBSCRIPTED
    ]
    assert not subscripted, "list[int] is an error there where it is not an annotation"


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOM)))
def test_a_file_imports_nothing_else_of_mlproj(file: Path) -> None:
    imported = [
        node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, (ast.Import, ast.ImportFrom))
    ]
    names = [alias.name for node in imported if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in imported if isinstance(node, ast.ImportFrom) and not node.level]

    assert not [name for name in names if name.split(".")[0] == "mlproj"]


def old_pythons() -> list[str]:
    """Those that are on this machine."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    kept = [str(python) for minor in ("3.7", "3.8", "3.9") for python in sorted(pyenv.glob(f"{minor}.*/bin/python"))]
    named = [shutil.which(f"python{minor}") for minor in ("3.7", "3.8", "3.9")]
    return kept + [name for name in named if name and "shims" not in name]


def test_every_module_is_imported_by_the_old_pythons_that_are_here_without_any_package() -> None:
    for python in old_pythons():
        done = subprocess.run(
            [python, "-I", "-c", IMPORTS, str(ROOM / "launch.py")], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("(3, "), done.stdout
