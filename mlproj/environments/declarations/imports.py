"""What a project's code imports, found by reading it: nothing is run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mlproj.environments.base import Request
from mlproj.environments.declarations import module_names, python_source
from mlproj.environments.declarations.draft import Draft
from mlproj.environments.declarations.module_names import package_for
from mlproj.environments.declarations.requirements import Requirements
from mlproj.environments.package_name import canonical
from mlproj.foundation import file_tree, presence
from mlproj.foundation.errors import MlprojError, Place

__all__ = ["Import", "Scan", "infer", "package_for", "scan", "undeclared"]

_MAX_FILES = 2000
_MAX_SIZE = 1024 * 1024  # bytes; code written by people is smaller
_SKIPPED_FOLDERS_WORDS = """
venv env virtualenv site-packages dist-packages node_modules __pycache__ build dist eggs mlruns mlartifacts wandb
outputs
"""
_SKIPPED_FOLDERS = frozenset(_SKIPPED_FOLDERS_WORDS.split())


@dataclass(frozen=True)
class Import:
    """A third-party module (dotted only below a shared namespace), one place of it, and whether the code lives without
    it."""

    module: str
    place: Place
    optional: bool = False

    @property
    def package(self) -> str:
        """The PyPI package it comes from."""
        return package_for(self.module)


@dataclass
class Scan:
    """The imports found, by module in order of appearance; ``notes`` tell of files that could not be read."""

    imports: dict[str, Import] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, found: Import) -> None:
        """Keep one place per module, and a needed one rather than an optional one."""
        known = self.imports.get(found.module)
        if known is None or (known.optional and not found.optional):
            self.imports[found.module] = found


def scan(project_dir: Path, script: Path | None = None) -> Scan:
    """The third-party modules that *script* and the project's files it imports use; without a script, those of all
    files."""
    result = Scan()
    if script is not None and script.suffix == ".py" and presence.is_file(script):
        roots = [script.parent, project_dir, project_dir / "src"]
        queue = [script]
    else:
        queue = list(_python_files(project_dir))
        roots = [project_dir, project_dir / "src", *sorted({file.parent for file in queue})]
    seen = set(queue)
    while queue:
        file = queue.pop(0)
        if len(result.files) >= _MAX_FILES:
            result.notes.append(f"only the first {_MAX_FILES} Python files were looked at for imports")
            break
        tree = _parse(file, result)
        if tree is None:
            continue
        result.files.append(file)
        for module, line, optional in _imports(tree):
            local = _local_files(module, file, roots)
            if script is not None:
                queue.extend(path for path in local if path not in seen)
                seen.update(local)
            # A folder of data named like a package is no module, so a name counts as local only with Python code in it.
            if not local and not module.startswith(".") and not module_names.is_stdlib(module):
                result.add(Import(_shown(module), Place(str(file), line), optional))
    return result


def infer(request: Request) -> Requirements:
    """The packages that the project's imports stand for; optional imports are left out. Nothing names versions."""
    draft = Draft()
    found = scan(request.project_dir, request.script)
    for file in found.files:
        draft.add_file(file)
    for one in found.imports.values():
        if module_names.is_unknown(one.module):
            draft.warn(
                f"which package has the module '{one.module}' is unknown: name it in a requirements.txt", one.place
            )
        elif one.optional:
            draft.skip(one.package, "packages whose import the code makes optional")
        elif one.package not in draft.packages:
            draft.packages.append(one.package)
    if draft.packages:
        draft.note(f"no file names the packages; inferred from the imports: {', '.join(draft.packages)}")
    for note in found.notes:
        draft.note(note)
    return draft.finish()


def undeclared(project_dir: Path, requirements: Requirements, script: Path | None = None) -> list[Import]:
    """The imports that *requirements* does not ask for by name. A dependency of a declared package may still bring
    them."""
    declared = {canonical(_name_of(package)) for package in (*requirements.packages, *requirements.build_dependencies)}
    declared |= {_alias(name) for name in declared} | {"setuptools", "pip"}
    return [
        one
        for one in scan(project_dir, script).imports.values()
        if not one.optional
        and not module_names.is_unknown(one.module)
        and _alias(canonical(one.package)) not in declared
        and canonical(one.package) not in declared
        and canonical(one.module) not in declared
    ]


def _name_of(package: str) -> str:
    import re

    found = re.match(r"[A-Za-z0-9][\w.-]*", package, re.ASCII)
    return found[0] if found else ""


_ALIASES = {
    "opencv-python-headless": "opencv-python", "opencv-contrib-python": "opencv-python", "psycopg2": "psycopg2-binary",
    "faiss-gpu": "faiss-cpu", "tensorflow-cpu": "tensorflow", "tensorflow-gpu": "tensorflow", "mlflow-skinny": "mlflow",
    "pytorch-lightning": "lightning", "igraph": "python-igraph", "attr": "attrs", "python-levenshtein": "levenshtein",
    "opencv-contrib-python-headless": "opencv-python", "kafka-python-ng": "kafka-python",
}  # fmt: skip


def _alias(name: str) -> str:
    """One name for packages that hold the same modules."""
    return _ALIASES.get(name, name)


def _python_files(folder: Path) -> Iterator[Path]:
    for where, folders, files in file_tree.walk(folder):
        folders[:] = sorted(one for one in folders if not _is_skipped(Path(where, one)))
        yield from (Path(where, name) for name in sorted(files) if name.endswith(".py") and name != "setup.py")


def _is_skipped(folder: Path) -> bool:
    return folder.name.startswith(".") or folder.name in _SKIPPED_FOLDERS or presence.exists(folder / "pyvenv.cfg")


def _parse(file: Path, result: Scan) -> ast.Module | None:
    try:
        if not presence.is_file(file) or file.stat().st_size > _MAX_SIZE:
            raise ValueError("too large")
        return python_source.parse(file)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OSError, MlprojError) as error:
        what = f"line {error.lineno} is no valid Python 3" if isinstance(error, SyntaxError) else "cannot be read"
        result.notes.append(f"{file.name} was not looked at for imports: {what}")
        return None


def _imports(tree: ast.Module) -> list[tuple[str, int, bool]]:
    """(dotted module, line, optional) of every import statement; relative ones begin with a dot."""
    found: list[tuple[str, int, bool]] = []
    pending: list[tuple[ast.AST, bool]] = [(tree, False)]
    while pending:
        node, optional = pending.pop()
        if isinstance(node, ast.Import):
            found.extend((alias.name, node.lineno, optional) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (f"{node.module}." if node.module else "")
            found.extend((base + alias.name.replace("*", "_"), node.lineno, optional) for alias in node.names)
        elif isinstance(node, ast.Try) and _catches_import_error(node):
            rest = [*node.handlers, *node.orelse, *node.finalbody]
            pending.extend((child, True) for child in (*node.body, *rest))
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            pending.extend((child, optional) for child in node.orelse)
        else:
            pending.extend((child, optional) for child in ast.iter_child_nodes(node))
    return sorted(found, key=lambda one: one[1])


def _catches_import_error(node: ast.Try) -> bool:
    names = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
    for handler in node.handlers:
        caught = [handler.type] if not isinstance(handler.type, ast.Tuple) else handler.type.elts
        if any(one is None or getattr(one, "id", None) in names for one in caught):
            return True
    return False


def _local_files(module: str, file: Path, roots: list[Path]) -> list[Path]:
    """The project's files that importing *module* in *file* would run; empty when it is not the project's own."""
    level = len(module) - len(module.lstrip("."))
    parts = [part for part in module[level:].split(".") if part]
    if level:
        parents = [file.parent, *file.parent.parents]
        return _under(parents[min(level, len(parents)) - 1], parts, relative=True)
    for root in roots:
        if files := _under(root, parts, relative=False):
            return files
    return []


def _under(root: Path, parts: list[str], *, relative: bool) -> list[Path]:
    files = []
    folder = root
    for index, part in enumerate(parts):
        if part in ("", "..") or "\0" in part:
            break
        module, package = folder / f"{part}.py", folder / part
        if presence.is_file(module):
            files.append(module)
            break
        if not presence.is_folder(package) or (index == 0 and not relative and not _holds_python(package)):
            break
        files.append(package / "__init__.py")
        folder = package
    return [path for path in files if presence.is_file(path)] or ([root / "."] if files else [])


def _holds_python(folder: Path) -> bool:
    try:
        found = folder.iterdir()
        return any(
            one.suffix == ".py" or (presence.is_folder(one) and presence.is_file(one / "__init__.py")) for one in found
        )
    except OSError:
        return False


def _shown(module: str) -> str:
    """The top-level name, or as much of a shared namespace as tells the package."""
    parts = module.split(".")
    if not module_names.has_spaces(parts[0]):
        return parts[0]
    for length in range(len(parts), 1, -1):
        if package_for(".".join(parts[:length])) != package_for(parts[0]):
            name = ".".join(parts[:length])
            shorter = ".".join(parts[: length - 1])
            if package_for(shorter) != package_for(name):
                return name
    return parts[0]
