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
FLOOR = {
    "caller",
    "dataclass",
    "env_vars",
    "errors",
    "locked",
    "bundle",
    "paths",
    "platforms",
    "plugins",
    "process",
    "progress",
    "quantity",
    "redaction",
    "regex",
    "stream",
    "strict_json",
    "web",
    "yaml_document",
}
ROOMS = {"sources", "projects", "environments", "backends", "tracking", "artifacts"}
SERVER = {"server"}  # over tracking and artifacts, under the line
LINE = {
    *("plan", "runner", "recording", "interruption", "inputs", "nested", "run_artifacts", "garbage", "server_import"),
    *("enclosed", "trust", "confinement", "machine", "difference", "kept_project"),
}
OUTBOX = {"outbox"}  # over tracking, artifacts and what a run printed, under the line
BESIDE = {"crate", "attestation"}  # beside the line, over the rooms, apart from each other
AGAIN = {"reproduction", "bisection"}  # over the line, apart from each other
BUNDLING = {"bundling"}  # over doing it again: a run can be packaged
API = {"logging_api"}  # beside the line, over the rooms


def room_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(file: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name.split(".")[1] for alias in node.names if alias.name.startswith("mlproj."))
        elif isinstance(node, ast.ImportFrom) and node.module == "mlproj":
            found.update(alias.name for alias in node.names if alias.name != "__version__")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mlproj."):
            found.add((node.module or "").split(".")[1])
    return found


def allowed(room: str) -> set[str]:
    if room in FLOOR:
        return FLOOR
    if room in ROOMS:
        return FLOOR | {room}
    if room in SERVER:
        return FLOOR | SERVER | {"tracking", "artifacts", "backends"}
    if room in OUTBOX:
        return FLOOR | OUTBOX | {"tracking", "artifacts", "backends"}
    if room in BESIDE:
        return FLOOR | ROOMS | {room}
    if room in AGAIN:
        return FLOOR | ROOMS | SERVER | OUTBOX | LINE | {room}
    if room in BUNDLING:
        return FLOOR | ROOMS | SERVER | OUTBOX | LINE | AGAIN | BUNDLING
    if room in API:
        return FLOOR | ROOMS | OUTBOX | API | {"run_artifacts"}
    if room in LINE:
        return FLOOR | ROOMS | SERVER | OUTBOX | LINE
    return FLOOR | ROOMS | SERVER | OUTBOX | LINE | BESIDE | AGAIN | BUNDLING | API | {room, "cli", "testing"}


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_point_down(file: Path) -> None:
    surplus = imported_rooms(file) - allowed(room_of(file))

    assert not surplus, f"{file.name} may not import {sorted(surplus)}"


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
    # The launcher runs in images only, where the door would need what the image's old Python has not.
    assert sorted(file.name for file in product if starts_programs(file)) == ["launcher.py", "process.py"]


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
        "dataclasses",
        "email",
        "filelock",
        "getpass",
        "git",
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
        "mlproj.environments.python.installer",
        "mlproj.environments.python.lock",
    ),
    *(
        "mlproj.environments.python.uv",
        "mlproj.running.inputs",
        "mlproj.projects.content",
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

    assert not loaded_by(code) & (NOT_ON_THE_WARM_PATH | ({"hashlib"} if manager == "local" else set()))
