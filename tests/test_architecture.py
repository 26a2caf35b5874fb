"""The house keeps its order: imports point down, rooms stay apart, and the start loads little."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import mlproj

PACKAGE = Path(mlproj.__file__).parent

# From the ground up: a room imports from the lines above its own only, never from a neighbour on its line.
FLOORS = [
    "foundation models/scorer",
    "yaml_document",
    "http",
    "package/format",
    "artifacts environments projects sources tracking",
    "mlflow_import run_folder",
    "backends",
    "outbox server",
    "running",
    "logging_api",
    "difference export signing",
    "bisection reproduction",
    "package",
    "models",
    "cli testing",
]
RANK = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms.split()}
FILES = sorted(PACKAGE.rglob("*.py"))


def module_of(file: Path) -> str:
    parts = ("mlproj", *file.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(file): file for file in FILES}


def room_of(module: str) -> str:
    """The longest name in the list that the module is below; the top of the package is a room of no rank."""
    parts = module.split(".")[1:]
    return next((room for size in (2, 1) if (room := "/".join(parts[:size])) in RANK), "")


def imports_of(file: Path) -> set[str]:
    """The modules of ours that a file imports: at its head, late, or for types only."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found.update(name if name in MODULES else node.module for name in names)
    return found & MODULES.keys()


def test_only_rooms_are_at_the_top() -> None:
    assert {file.name for file in PACKAGE.glob("*.py")} == {"__init__.py", "__main__.py"}
    assert {folder.parent.name for folder in PACKAGE.glob("*/__init__.py")} == {room.split("/")[0] for room in RANK}


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_point_down(file: Path) -> None:
    room = room_of(module_of(file))
    if not room:
        return  # the package itself hands out names, and loads what they name when they are used
    others = {module: room_of(module) for module in imports_of(file)}
    upward = {module for module, other in others.items() if other and other != room and RANK[other] >= RANK[room]}

    assert not upward, f"{file.relative_to(PACKAGE)} may not import {sorted(upward)}"


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Late imports and those for types included: what is so close is one module, or wants a third one below both."""
    # The package itself names what others hand out; what is imported of it is its version, a constant.
    rest = {module: imports_of(file) - {module, "mlproj"} for module, file in MODULES.items()}
    while free := [module for module, imported in rest.items() if not imported & rest.keys()]:
        for module in free:
            del rest[module]
    while over := [module for module in rest if not any(module in imported for imported in rest.values())]:
        for module in over:  # it imports a circle and is in none
            del rest[module]

    assert not {module: sorted(imported & rest.keys()) for module, imported in rest.items()}


def loaded_by(code: str) -> set[str]:
    listing = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint('\\n'.join(sys.modules), file=sys.stderr)"],
        env={
            name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")
        },  # its modules are not ours
        capture_output=True,
        text=True,
        check=True,
    )
    return set(listing.stderr.split())


def starts_programs(file: Path) -> bool:
    calls = {ast.unparse(node.func) for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)}
    return any(
        call.startswith(("subprocess.", "os.exec", "os.spawn", "os.posix_spawn", "os.system", "os.popen", "os.fork"))
        for call in calls
    )


def test_only_the_door_to_other_programs_starts_any() -> None:
    product = (file for file in PACKAGE.rglob("*.py") if file.parent.name != "testing")
    # The launcher runs in images only, where the door would need what the image's old Python has not;
    # the worker of a model runs in that model's environment, and copies itself.
    assert sorted(file.name for file in product if starts_programs(file)) == ["launcher.py", "process.py", "worker.py"]


def test_importing_the_package_loads_nothing_else_of_it() -> None:
    assert {name for name in loaded_by("import mlproj") if name.startswith("mlproj")} == {"mlproj"}


def test_version_loads_no_dependency() -> None:
    loaded = loaded_by("import sys; sys.argv = ['mlproj', '--version']; from mlproj.cli.main import main; main()")

    assert not loaded & {
        "click",
        "yaml",
        "rich",
        "sqlite3",
        "subprocess",
        "platformdirs",
        "git",
        "virtualenv",
        "packaging",
    }


# What a run has no use for when its project was read before and its environment is there. Each costs 1 to 25 ms.
NOT_ON_THE_WARM_PATH = {
    *(
        "asyncio",
        "click",
        "ctypes",
        "dataclasses",
        "email",
        "filelock",
        "getpass",
        "git",
        "hashlib",
        "importlib.metadata",
        "inspect",
        "logging",
    ),
    *(
        "multiprocessing",
        "packaging",
        "platformdirs",
        "random",
        "rich",
        "shutil",
        "socket",
        "starlette",
        "tempfile",
        "urllib.request",
        "uuid",
        "virtualenv",
        "yaml",
    ),
    *(
        "mlproj.cli.complete",
        "mlproj.cli.options",
        "mlproj.cli.output",
        "mlproj.environments.declarations.requirements_file",
        "mlproj.projects.docker_env",
        "mlproj.projects.path_value",
        "mlproj.running.handle",
        "mlproj.environments.python.installer",
        "mlproj.environments.python.lock",
    ),
    *(
        "mlproj.environments.python.uv",
        "mlproj.running.inputs",
        "mlproj.foundation.content_hash",
        "mlproj.sources.git",
        "mlproj.yaml_document.composing",
    ),
}


@pytest.mark.parametrize("manager", ["local", "uv"])
def test_a_warm_run_loads_only_what_it_needs(tmp_path: Path, manager: str) -> None:
    """A project with what usual ones have: parameters, a script, an environment."""
    (tmp_path / "MLproject").write_text(
        "name: warm\npython_env: python_env.yaml\nentry_points:\n  main:\n    parameters:\n"
        '      alpha: {type: float, default: 0.5}\n    command: "python train.py {alpha}"\n'
    )
    version = ".".join(map(str, sys.version_info[:2]))
    (tmp_path / "python_env.yaml").write_text(f'python: "{version}"\nbuild_dependencies: []\ndependencies: []\n')
    (tmp_path / "train.py").write_text("pass\n")
    code = (
        f"import sys; sys.argv = ['mlproj', 'run', {str(tmp_path)!r}, '--env-manager', {manager!r}, '-P', 'alpha=1']\n"
        "from mlproj.cli.main import main\n"
        "try: main()\n"
        "except SystemExit as end: assert end.code == 0, end.code"
    )
    loaded_by(code)

    assert not loaded_by(code) & NOT_ON_THE_WARM_PATH


@pytest.mark.needs("git")
def test_the_top_of_the_repository_is_short() -> None:
    """What a tool or a test leaves where it was started is nobody's."""
    root = Path(__file__).parent.parent
    listed = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True, check=True).stdout
    wanted = """.ci .gitignore CHANGELOG.md LICENSE README.md docs mlproj pyproject.toml sample_projects tests"""

    assert {name.partition("/")[0] for name in listed.splitlines()} <= set(wanted.split())
