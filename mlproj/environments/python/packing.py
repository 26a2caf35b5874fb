"""A Python environment for an image: its lock, uv, and uv's settings of this machine, in a folder that a container
sees."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from mlproj.environments.base import INSIDE, MATERIAL
from mlproj.environments.declarations.requirements import Requirements
from mlproj.environments.python import key, package_index, uv
from mlproj.environments.python.interpreter import Interpreter

_SETTINGS = re.compile(r"UV_.*|.*_proxy", re.IGNORECASE)
# Folders and files of this machine; the files are copied, see _files.
_NOT_THERE = re.compile(r"UV_(.*_DIR|CONFIG_FILE|LINK_MODE)")
_NEITHER = shutil.ignore_patterns("__pycache__", ".venv", "venv", "mlruns", "node_modules")

_OPTIONS = f"--quiet --no-deps --no-cache --python {INSIDE}/bin/python"
_LINKS = ("-f", "--find-links")

_LOCAL = re.compile(r'\bpath = "(/[^"]*)"')  # in a lock, a folder or file of this machine

_SCRIPT = """\
. {material}/settings
cd {material}
for name in python{minor} python3 python; do
  python=$(command -v $name) && "$python" -c 'import sys; sys.exit(sys.version_info[:2] != {numbers})' && break
  python=
done
if [ -z "$python" ]; then echo "the image has no Python {minor}" >&2; exit 1; fi
if ! ./uv --version >/dev/null; then echo "the image cannot run uv: it needs GNU's C library, and gcc's" >&2; exit 1; fi
{copies}./uv venv --quiet --no-cache --no-project --python "$python" {inside}
./uv pip install {options} --requirements pylock.toml{bounds}
{projects}{removals}"""


def links(asked: Requirements) -> tuple[Path, ...]:
    """The folders of this machine that packages are looked for in (``--find-links``)."""
    environ = uv.environ(package_index.settings(), offline=False)
    named = [value for name, value in zip(asked.options, asked.options[1:], strict=False) if name in _LINKS]
    places = [*environ.get("UV_FIND_LINKS", "").split(","), *named]
    found = (Path(place.strip().removeprefix("file://")) for place in places if place.strip())
    return tuple(dict.fromkeys(place for place in found if place.is_absolute() and place.is_dir()))


class Material:
    """What a container needs to install the packages of *asked* for a Python like *interpreter*, in the folder
    *staging*."""

    def __init__(self, staging: Path, interpreter: Interpreter, asked: Requirements, *, offline: bool) -> None:
        self._staging = staging
        self._interpreter = interpreter
        self._asked = asked
        self._offline = offline

    def put(self, lock_text: str, bounds: Sequence[str]) -> str:
        """Put it there; the script that installs the lock *lock_text* within *bounds* (flags of uv)."""
        (self._staging / "pylock.toml").write_text(lock_text, "utf-8")
        shutil.copy2(uv.binary(), self._staging / "uv")
        copies = self._copy_sources(lock_text)
        settings = [f"export {name}={shlex.quote(value)}\n" for name, value in self._settings()]
        (self._staging / "settings").write_text("".join(settings), "utf-8")
        # A lock that the project brings along does not list the project itself.
        projects = self._asked.packages if self._asked.lock_file is not None else ()
        return _SCRIPT.format(
            material=MATERIAL,
            inside=INSIDE,
            options=_OPTIONS,
            minor=".".join(map(str, self._interpreter.minor)),
            numbers=self._interpreter.minor,
            copies="".join(f'mkdir -p "$(dirname {there})"\ncp -a {name} {there}\n' for name, there in copies),
            removals="".join(f"rm -rf {there}\n" for _, there in copies),
            bounds="".join(f" {shlex.quote(word)}" for word in bounds),
            projects="".join(
                f"./uv pip install {_OPTIONS} {shlex.quote(one)}\n" for one in projects if one.startswith("/")
            ),
        )

    def _copy_sources(self, lock_text: str) -> list[tuple[str, str]]:
        """Copy folders and files that are installed, for a build may write to them: a name here, and where the
        container is to have it while it installs, quoted for a shell."""
        named = [*key.local_packages(self._asked), *map(Path, _LOCAL.findall(lock_text))]
        local = [path for path in named if path.exists()]
        outermost = [
            path
            for path in dict.fromkeys(local)
            if not any(path != other and path.is_relative_to(other) for other in local)
        ]
        for number, path in enumerate(outermost):
            if path.is_dir():
                shutil.copytree(path, self._staging / f"source{number}", symlinks=True, ignore=_NEITHER)
            else:
                shutil.copy2(path, self._staging / f"source{number}")
        return [(f"source{number}", shlex.quote(str(path))) for number, path in enumerate(outermost)]

    def _settings(self) -> Iterator[tuple[str, str]]:
        environ = uv.environ(package_index.settings(), offline=self._offline)
        if (self._staging / "uv.toml").exists() and "UV_NO_CONFIG" in environ:
            del environ["UV_NO_CONFIG"]
            environ["UV_CONFIG_FILE"] = "uv.toml"  # ours, beside which there is to be no other
        for name, value in environ.items():
            if _SETTINGS.fullmatch(name) and not _NOT_THERE.fullmatch(name):
                yield name, value
        yield "HOME", "/root"
        yield from self._files(environ.get("SSL_CERT_FILE"), environ.get("UV_CONFIG_FILE"))

    def _files(self, certificates: str | None, configuration: str | None) -> Iterator[tuple[str, str]]:
        """The user's files that tell uv and its programs where packages are and who asks for them."""
        config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
        wanted = [
            (certificates, "certificates", "SSL_CERT_FILE"),
            (os.environ.get("NETRC") or str(Path.home() / ".netrc"), "netrc", "NETRC"),
        ]
        if configuration:
            own = self._staging / "uv.toml"
            wanted.append((None if own.exists() else configuration, "uv.toml", "UV_CONFIG_FILE"))
            if own.exists():
                yield "UV_CONFIG_FILE", f"{MATERIAL}/uv.toml"
        for path, name, variable in wanted:
            if path and Path(path).is_file():
                shutil.copyfile(path, self._staging / name)
                yield variable, f"{MATERIAL}/{name}"
        for file, variable in (
            (config / "uv" / "uv.toml", "XDG_CONFIG_HOME"),
            (Path("/etc/uv/uv.toml"), "XDG_CONFIG_DIRS"),
        ):
            folder = self._staging / variable / "uv"
            folder.mkdir(parents=True)
            if file.is_file():
                shutil.copyfile(file, folder / "uv.toml")
            yield variable, f"{MATERIAL}/{variable}"
