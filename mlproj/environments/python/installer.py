"""Makes a virtual environment and puts the packages of a lock into it, with uv or with virtualenv and pip.

A virtual environment by ``uv venv`` takes 0.01 s where virtualenv takes 0.25–0.6 s (measured), so uv makes its own;
``--env-manager virtualenv`` gets one by virtualenv, installed into by pip. Either way the lock decides what is
installed.
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlproj.environments.declarations.requirements import Requirements
from mlproj.environments.package_name import canonical
from mlproj.environments.python import lock, shebang
from mlproj.environments.python.interpreter import Interpreter
from mlproj.environments.python.uv import Uv, failure, option_words
from mlproj.foundation import process
from mlproj.foundation.progress import Progress
from mlproj.foundation.redaction import redact

_METADATA = re.compile(r"(.+?)-([^-]+)(-py[\d.]+)?\.(dist|egg)-info")
_OLDEST_FOR_VIRTUALENV = (3, 8)
"""virtualenv's helper module does not even compile on older Pythons."""


@contextmanager
def creating(uv: Uv, manager: str, interpreter: Interpreter, venv: Path, progress: Progress) -> Iterator[None]:
    """An empty virtual environment at *venv*, made while the block does something else and there when it has ended.

    Raises :class:`EnvironmentFailure`, unless the block raises: the folder is at rest then, too.
    """
    raised: list[BaseException] = []

    def work() -> None:
        try:
            _create(uv, manager, interpreter, venv, progress)
        except BaseException as error:
            raised.append(error)

    worker = threading.Thread(target=work, name="virtual-environment")
    try:
        worker.start()
        yield
    finally:
        if worker.ident is not None:  # it did start
            worker.join()
    if raised:
        raise raised[0]


def _create(uv: Uv, manager: str, interpreter: Interpreter, venv: Path, progress: Progress) -> None:
    if manager != "virtualenv":
        uv.check(
            "the virtual environment cannot be made",
            "venv",
            "--quiet",
            "--no-project",
            "--python",
            interpreter.path,
            venv,
        )
        return
    if interpreter.minor < _OLDEST_FOR_VIRTUALENV:
        progress.note(
            f"virtualenv does not support Python {interpreter.version}; uv venv makes the environment, pip installs"
            " into it"
        )
        _create(uv, "uv", interpreter, venv, progress)
        return
    done = process.run(
        [sys.executable, "-m", "virtualenv", "--quiet", "--no-seed", "--python", interpreter.path, venv], cwd=uv.folder
    )
    if done.returncode:
        raise failure("the virtual environment cannot be made", done.text + done.error_text)


def install(
    uv: Uv,
    manager: str,
    interpreter: Interpreter,
    venv: Path,
    text: str,
    requirements: Requirements,
    bounds: list[str],
    progress: Progress,
) -> None:
    """Install what the lock *text* lists, nothing else. Raises :class:`EnvironmentFailure` with the installer's
    reason."""
    entries = lock.packages(text)
    into = _into(venv, interpreter)
    if manager == "virtualenv":
        _with_pip(uv, venv, entries, requirements, bounds, progress)
    else:
        _with_uv(uv, into, text, entries, bounds)
    if requirements.lock_file is not None and not requirements.is_bundled:
        listed = {entry["directory"]["path"] for entry in entries if "directory" in entry}
        for folder in (one for one in requirements.editables if one not in listed):
            uv.check(
                f"{folder} cannot be installed", "pip", "install", "--quiet", "--no-deps", *into, "--editable", folder
            )
    shebang.change(venv / "bin", interpreter.path, str(venv / "bin" / "python"))


def _with_uv(uv: Uv, into: list[str], text: str, entries: Sequence[dict[str, Any]], bounds: list[str]) -> None:
    (uv.folder / "pylock.toml").write_text(text, "utf-8")
    command = ["pip", "install", "--quiet", "--no-deps", *into, "--requirements", "pylock.toml"]
    # Wheels that are in uv's cache and have the lock's hashes need no server; asked for online, each would be validated
    # there again (0.1 s become 0.9 s for 42 packages). Nothing is built this way: a build without network could differ.
    if all("wheels" in entry for entry in entries) and uv.attempt(*command, "--offline", "--no-build"):
        return
    # uv tells whether a folder's built wheel is current by its pyproject.toml alone; ours are told apart by all files.
    folders = [entry["name"] for entry in entries if "directory" in entry]
    refresh = option_words("--refresh-package", folders)
    uv.check("the packages cannot be installed", *command, *bounds, *refresh, hint=_HINT if bounds else None)


_HINT = (
    "--as-of today takes today's packages, --as-of DATE those of another day; --env-manager virtualenv installs"
    " with pip"
)


def _into(venv: Path, interpreter: Interpreter) -> list[str]:
    """uv's words for where to install.

    Named by its own Python, an environment makes uv start that to learn what it is (0.04 s, a third of an installation
    from a warm cache); what the Python below it is, uv knows. The scripts then name that one, which is changed
    afterwards.
    """
    python = venv / "bin" / "python"
    known = shebang.is_plain(interpreter.path) and python.is_symlink() and python.readlink() == Path(interpreter.path)
    return ["--python", interpreter.path, "--prefix", str(venv)] if known else ["--python", str(python)]


def _with_pip(
    uv: Uv,
    venv: Path,
    entries: Sequence[dict[str, Any]],
    requirements: Requirements,
    bounds: list[str],
    progress: Progress,
) -> None:
    tools = [entry for entry in entries if entry["name"] in ("pip", "setuptools", "wheel") and "version" in entry]
    pins = [f"{entry['name']}=={entry['version']}" for entry in tools]
    into = ("--python", venv / "bin" / "python")
    uv.check("pip cannot be installed", "pip", "install", "--quiet", "--no-deps", *into, *bounds, *map(_exactly, tools))
    file = uv.folder / "pip-requirements.txt"
    file.write_text("\n".join([*lock.option_lines(requirements.options), *pip_lines(entries)]) + "\n", "utf-8")
    # Isolated builds take the newest setuptools unless a constraint, which reaches them by the environment, says
    # otherwise.
    build_tools = uv.folder / "pip-constraints.txt"
    build_tools.write_text("\n".join(pin for pin in pins if _builds(pin)) + "\n", "utf-8")
    done = process.follow(
        [venv / "bin" / "python", "-m", "pip", "install", "--no-deps", "--no-input", "--disable-pip-version-check",
         "--no-warn-script-location", "--requirement", file, *(["--no-index"] if uv.offline else [])],
        lambda line: progress.detail(redact(line)),
        cwd=uv.folder,
        env=_pip_environ(build_tools),
    )  # fmt: skip
    if done.returncode:
        raise failure("pip cannot install the packages", done.error_text or done.text, hint=_HINT if bounds else None)


def _builds(pin: str) -> bool:
    """Whether isolated builds can take this tool: they ask for setuptools 40.8.0, and an environment may have an older
    one."""
    name, _, version = pin.partition("==")
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    return name == "wheel" or (name == "setuptools" and numbers >= (40, 8))


def _pip_environ(constraints: Path) -> dict[str, str]:
    from mlproj.environments.python.uv import inherited

    return {**inherited(), "PIP_CONSTRAINT": constraints.as_uri()}  # a path ends at its first space


def pip_lines(entries: Sequence[dict[str, Any]]) -> list[str]:
    """A lock's packages as pip's requirements; with hashes when every one of them has some, as pip demands."""
    hashed = all("version" in entry and not {"vcs", "directory"} & entry.keys() for entry in entries)
    return [_pip_line(entry, hashed) for entry in entries]


def _pip_line(entry: dict[str, Any], hashed: bool) -> str:
    marker = f" ; {entry['marker']}" if "marker" in entry else ""
    if "directory" in entry:
        return ("-e " if entry["directory"].get("editable") else "") + str(entry["directory"]["path"])
    if "vcs" in entry:
        vcs = entry["vcs"]
        return f"{entry['name']} @ {vcs['type']}+{vcs['url']}@{vcs['commit-id']}{marker}"
    if "archive" in entry:
        archive = entry["archive"]
        return f"{entry['name']} @ {archive.get('url') or Path(archive['path']).as_uri()}{marker}"
    line = f"{entry['name']}=={entry['version']}{marker}"
    return line + "".join(f" --hash=sha256:{digest}" for digest in _digests(entry)) if hashed else line


def _exactly(entry: dict[str, Any]) -> str:
    return _pip_line(entry, hashed=False)


def _digests(entry: dict[str, Any]) -> list[str]:
    files = [*entry.get("wheels", []), *([entry["sdist"]] if "sdist" in entry else [])]
    return sorted({file["hashes"]["sha256"] for file in files if "sha256" in file.get("hashes", {})})


def site_packages(venv: Path) -> Path:
    """Where *venv* keeps its packages."""
    found = next((venv / "lib").glob("python*/site-packages"), None)
    return found if found is not None else venv / "lib" / "site-packages"


def installed_packages(venv: Path) -> dict[str, str]:
    """Normalised name → version of every package in *venv*, read off the names of its metadata folders."""
    found: dict[str, str] = {}
    for name in sorted(place.name for place in site_packages(venv).iterdir()):
        match = _METADATA.fullmatch(name)
        if match:
            found[canonical(match[1])] = match[2]
    return found
