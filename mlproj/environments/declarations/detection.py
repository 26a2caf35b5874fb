"""Which declaration counts, the most specific first, and why: a few looks at folders, nothing is resolved."""

from __future__ import annotations

import re
from pathlib import Path

from mlproj.environments.base import Declaration, Request
from mlproj.foundation import file_tree, presence
from mlproj.foundation.dataclass import replace
from mlproj.foundation.errors import InvalidProject, Notice

_CONDA_NAMES = ("conda.yaml", "conda.yml", "environment.yml", "environment.yaml")
_CONDA_KIN = ("env", "environment[-_.]*", "conda[-_]*")
# A list of conda's packages; what other tools call so (Helm, Ansible) is a table, or a list of tables.
_CONDA_LIST = (
    rb"(?m)^dependencies:[ \t]*(?:#.*)?\r?\n(?:[ \t]*(?:#.*)?\r?\n)*"
    rb"[ \t]*-[ \t]+(?:pip:|(?![{\[])(?:[^\s:]|::|[ \t](?!#))+[ \t]*(?:#|\r?$))"
)
# requirements-dev.txt and the like say what the project's developers need, not its program.
_FOR_OTHERS = ("dev", "test", "doc", "lint", "build", "ci", "optional", "extra", "constraint", "lock", "all")
# At the beginning of a command; what else a shell may do before is not looked into.
_R_FIRST = re.compile(r"\s*(?:cd\s+[^\s;&|]+\s*(?:&&|;)\s*)?(?:\w+=\S*\s+)*R(?:script)?\s")
_PYTHON = r"(?:^|[;&|(\n])\s*(?:\S*/)?python[\d.]*\s"
# The tables of a pyproject.toml that say where packages come from, also in a file that is no TOML.
_DECLARING = rb"(?m)^\s*\[+\s*(?:project|dependency-groups|tool\s*\.\s*(?:poetry|uv|pdm|rye|hatch|pixi))\b"
_FOLDER_CHOICES = ("requirements.txt", "base.txt", "main.txt", "prod.txt", "production.txt")


def detect(request: Request) -> Declaration:
    """The declaration for *request*, with its reason for people; kind ``none`` when there is none.

    Raises InvalidProject when a pyproject.toml that would decide cannot be read; one beside what decides, or that only
    configures tools, is among the declaration's findings.
    """
    if request.declared is not None:
        return _declared(request.declared)
    if request.script is not None and _has_block(request.script):
        return Declaration("script", request.script, f"{request.script.name} names its own packages (PEP 723)")
    folders = [request.project_dir] if request.project_dir == request.root else [request.project_dir, request.root]
    # A command that starts Python as well needs Python's packages, and one environment has those of one language.
    is_r = starts_r(request) and not re.search(_PYTHON, request.command)
    for folder in folders:
        if is_r and presence.is_file(folder / "renv.lock"):
            return Declaration("renv_lock", folder / "renv.lock", f"{_called(folder, request)} has a renv.lock")
    findings: list[Notice] = []
    for folder in folders:
        if folder != request.project_dir and not _is_python(request):
            continue  # the packages of a repository around it are nothing to a shell command
        broken = _broken_pyproject(folder)
        findings += [Notice(broken.message, broken.place, broken.hint, is_error=True)] if broken else []
        found = _in_folder(folder, _called(folder, request), is_readable=broken is None)
        if found is not None:
            return replace(_with_unread(found, folder), findings=tuple(findings))
        if broken is not None and _may_declare(folder / "pyproject.toml"):
            raise broken
    return replace(_without_file(request), findings=tuple(findings))


def starts_r(request: Request) -> bool:
    """Whether the command is a program in R, or begins with one."""
    return bool(_R_FIRST.match(request.command)) or (
        request.script is not None and request.script.suffix in (".R", ".r")
    )


def _called(folder: Path, request: Request) -> str:
    return "the project folder" if folder == request.project_dir else "the repository's root"


def _declared(declared: Declaration) -> Declaration:
    if declared.reason:
        return declared
    what = declared.file.name if declared.file else declared.kind
    return Declaration(declared.kind, declared.file, f"MLproject names {what}", declared.place, declared.options)


def _is_python(request: Request) -> bool:
    """Whether Python takes part in the project. Without a command nothing is known, and it may."""
    if not request.command or "python" in request.command or request.script is not None:
        return True
    return any(name.endswith(".py") for _, _, files in file_tree.walk(request.project_dir) for name in files)


def _in_folder(folder: Path, where: str, *, is_readable: bool) -> Declaration | None:
    pyproject = folder / "pyproject.toml"
    declares = is_readable and presence.is_file(pyproject) and _declares(pyproject)
    # A uv.lock says nothing without the project it locks.
    if declares and presence.is_file(folder / "uv.lock"):
        return Declaration("uv_lock", folder / "uv.lock", f"{where} has a uv.lock")
    for kind, names in (
        ("pylock", ("pylock.toml",)),
        ("python_env", ("python_env.yaml", "python_env.yml")),
        ("conda_env", _CONDA_NAMES),
    ):
        for name in names:
            if presence.is_file(folder / name):
                return Declaration(kind, folder / name, f"{where} has a {name}")
    if requirements := _requirements(folder):
        return Declaration("requirements", requirements, f"{where} has a {requirements.relative_to(folder)}")
    if found := _other_lock(folder, where, declares):
        return found
    if is_readable and presence.is_file(pyproject) and _is_of_pixi(pyproject):
        return Declaration("conda_env", pyproject, f"{where} has a pyproject.toml with [tool.pixi]")
    if declares:
        return Declaration("pyproject", pyproject, f"{where} has a pyproject.toml that names packages")
    for name in ("setup.py", "setup.cfg"):
        if presence.is_file(folder / name) and (name == "setup.py" or _is_setuptools(folder / name)):
            return Declaration("setup", folder / name, f"{where} has a {name}")
    if kin := _conda_kin(folder):
        return Declaration("conda_env", kin, f"{where} has a {kin.name}, and no file of a usual name")
    return None


# Locks and declarations of other tools, with the kind that reads them.
_OF_OTHERS = (
    ("poetry.lock", "versions_lock"),
    ("pdm.lock", "versions_lock"),
    ("Pipfile.lock", "pipfile"),
    ("Pipfile", "pipfile"),
    ("conda-lock.yml", "conda_env"),
    ("conda-lock.yaml", "conda_env"),
    ("pixi.lock", "conda_env"),
    ("pixi.toml", "conda_env"),
)


def _with_unread(found: Declaration, folder: Path) -> Declaration:
    """*found*, naming the locks beside it that are not read because it comes first."""
    known = [name for name, _kind in _OF_OTHERS if name.endswith((".lock", ".yml", ".yaml", ".toml"))]
    if found.file is None or found.file.name in known:
        return found
    unread = [name for name in known if presence.is_file(folder / name)]
    reason = f"{found.reason}; {', '.join(unread)} beside it is not read" if unread else found.reason
    return Declaration(found.kind, found.file, reason, found.place, found.options)


def _other_lock(folder: Path, where: str, declares: bool) -> Declaration | None:
    for name, kind in _OF_OTHERS:
        if not presence.is_file(folder / name) or (kind == "versions_lock" and not declares):
            continue
        if name != "pixi.toml" or _names_packages_for_pixi(folder / name):
            return Declaration(kind, folder / name, f"{where} has a {name}")
    return None


# Their readers are loaded when there is something to read: most warm runs have neither.
def _has_block(script: Path) -> bool:
    from mlproj.environments.declarations import script_metadata

    return script_metadata.has_block(script)


def _broken_pyproject(folder: Path) -> InvalidProject | None:
    """Why the pyproject.toml in *folder* cannot be read; None where it can, or there is none."""
    try:
        if presence.is_file(folder / "pyproject.toml"):
            _declares(folder / "pyproject.toml")
    except InvalidProject as error:
        return error
    return None


def _may_declare(pyproject: Path) -> bool:
    """Whether a file that is no TOML may have been meant to say what the project needs; many only configure tools."""
    try:
        return bool(re.search(_DECLARING, pyproject.read_bytes()))
    except OSError:
        return True


def _is_of_pixi(pyproject: Path) -> bool:
    return b"tool.pixi" in pyproject.read_bytes() and _names_packages_for_pixi(pyproject)


def _names_packages_for_pixi(path: Path) -> bool:
    from mlproj.environments.declarations import pixi_file

    return pixi_file.names_packages(path)


def _declares(pyproject: Path) -> bool:
    from mlproj.environments.declarations import pyproject_file

    return pyproject_file.declares(pyproject)


def _requirements(folder: Path) -> Path | None:
    """requirements.txt, else the first by name of its kin that is meant for running the program."""
    if presence.is_file(folder / "requirements.txt"):
        return folder / "requirements.txt"
    candidates = [
        path
        for path in sorted(folder.glob("requirements*.txt"))
        if presence.is_file(path) and not _is_for_others(path.stem)
    ]
    candidates += [path for name in _FOLDER_CHOICES if presence.is_file(path := folder / "requirements" / name)]
    return candidates[0] if candidates else None


def _conda_kin(folder: Path) -> Path | None:
    """The first by name of conda's files under another name (env.yml, environment-cpu.yaml, conda_env.yml)."""
    found = sorted(path for name in _CONDA_KIN for path in folder.glob(f"{name}.y*ml"))
    return next((path for path in found if not _is_for_others(path.stem) and _is_conda_file(path)), None)


def _is_conda_file(path: Path) -> bool:
    try:
        return presence.is_file(path) and bool(re.search(_CONDA_LIST, path.read_bytes()[:100_000]))
    except OSError:
        return False


def _is_for_others(stem: str) -> bool:
    words = stem.lower().replace("-", "_").replace(".", "_").split("_")[1:]
    return any(word.startswith(_FOR_OTHERS) for word in words)


def _is_setuptools(path: Path) -> bool:
    """Whether a setup.cfg describes a package; many only configure tools."""
    try:
        head = path.read_bytes()[:100_000]
    except OSError:
        return False
    return b"[metadata]" in head or b"[options]" in head


def _without_file(request: Request) -> Declaration:
    nothing = "no file declares an environment"
    if not request.infer:
        return Declaration("none", reason=f"{nothing}, and nothing is inferred (--no-infer)")
    if request.script is not None and request.script.suffix not in ("", ".py"):
        return Declaration("none", reason=f"{nothing}, and {request.script.name} is no Python program")
    from mlproj.environments.declarations import imports

    found = imports.scan(request.project_dir, request.script).imports
    if not any(not one.optional for one in found.values()):
        return Declaration("none", reason=f"{nothing}, and the code imports nothing beyond Python's own library")
    return Declaration("imports", None, f"{nothing}: the packages are inferred from what the code imports")
