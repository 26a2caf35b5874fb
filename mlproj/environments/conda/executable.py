"""An installed conda, mamba or micromamba: it solves without installing, and installs the exact packages that were
found.

Its own settings (proxies, certificates, mirrors, logins) hold. What it finds is kept as addresses and hashes, as of any
other tool.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from mlproj.environments.conda import channels, local_file, relocation
from mlproj.environments.conda.locked import EXPLICIT, Package
from mlproj.environments.conda.tool import Access, ChannelUnreachable, Unsolvable
from mlproj.foundation import env_vars, file_lock, paths, process
from mlproj.foundation.errors import EnvironmentFailure
from mlproj.foundation.redaction import mask_channel

# Of an environment that is active here, of a Python that is not its own, or against what was decided.
_MISLEADING = (
    "CONDA_PREFIX",
    "CONDA_DEFAULT_ENV",
    "CONDA_SHLVL",
    "CONDA_SUBDIR",
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONSTARTUP",
)
_NOTHING_FITS = re.compile(
    r"Unsatisfiable|PackagesNotFound|ResolvePackageNotFound|InvalidMatchSpec|InvalidSpec|Could not solve|nothing"
    r" provides|does not exist"
)
_IDLE = re.compile(r"(critical|error|warning)\s+libmamba (Could not solve|Multiple errors occurred)")
_ADVICE = re.compile(r"^\s*(Current channels|To search for|HTTP errors are often|If you run into)", re.MULTILINE)
_LINES = 12  # of its message
_NAME = re.compile(r"(?P<name>.+)-(?P<version>[^-]+)-(?P<build>[^-]+)\.(conda|tar\.bz2)")
_MD5_DIGITS = 32
_UNSOLVABLE = (
    "loosen a version, or add the channel that has the package; --env-manager uv translates to Python packages"
)


class Executable:
    """The program at *path*, which is a conda, mamba or micromamba (*name*)."""

    def __init__(self, name: str, path: str) -> None:
        self.name = name
        self.path = path

    def can_leave_out_newer(self) -> bool:
        """Whether it knows ``--exclude-newer``, which conda learnt in 2026."""
        return b"--exclude-newer" in self._run("create", "--help").stdout

    def solve(
        self, addresses: Sequence[str], specs: Sequence[str], moment: datetime | None, access: Access
    ) -> list[Package]:
        """See :class:`~mlproj.environments.conda.tool.Tool`. Nothing is installed and no package is fetched."""
        _check_credentials(access, self.name)
        asked = [part for name in dict.fromkeys(map(_spelled, addresses)) for part in ("--channel", name)]
        options = [
            *(["--offline"] if access.offline else []),
            *([f"--exclude-newer={moment:%Y-%m-%dT%H:%M:%SZ}"] if moment else []),
        ]
        with paths.temporary_folder(paths.cache() / "work", "conda.") as scratch:

            def ask(*how: str) -> process.Completed:
                question = (
                    "create",
                    "--dry-run",
                    "--yes",
                    "--override-channels",
                    "--prefix",
                    str(scratch / "prefix"),
                    *how,
                )
                # A cache without packages: what is in it already would not be described.
                return self._run(*question, *options, *asked, "--", *map(_spelled, specs), packages=_folder("index"))

            done = ask("--json")
            answer = _document(done)
            if "solver_problems" in answer:
                # Only where it talks to people does micromamba tell what contradicts what.
                raise Unsolvable(
                    f"{self.name} cannot solve the conda packages: {_message_of(ask(), {})}", hint=_UNSOLVABLE
                )
        if done.returncode:
            raise self._refused(done, answer)
        return self._found(answer)

    def described(self, addresses: Sequence[str], access: Access) -> list[Package]:  # noqa: ARG002  # nothing is fetched for it
        """The packages as their addresses name them."""
        return [_by_address(address) for address in addresses]

    def install(self, packages: Sequence[Package], staging: Path, final: Path, access: Access) -> None:
        """Let it install *packages* at *staging*, then let what was installed name *final*. Raises
        EnvironmentFailure."""
        _check_credentials(access, self.name)
        local_file.check(packages)
        if len(os.fsencode(staging)) != len(os.fsencode(final)):
            message = f"{self.name} cannot install packages for use in another folder than where it puts them"
            raise EnvironmentFailure(message, hint="pip install 'mlproj[conda]': py-rattler can")
        staging.parent.mkdir(parents=True, exist_ok=True)
        listed = staging.parent / "explicit.txt"
        listed.write_text("\n".join((EXPLICIT, *map(_explicit, packages))) + "\n", "utf-8")
        offline = ["--offline"] if access.offline else []
        folder = _folder("programs-packages")
        with file_lock.locked(folder.with_suffix(".lock")):  # conda does not keep others out of it
            done = self._run(
                "create",
                "--yes",
                "--quiet",
                "--json",
                "--prefix",
                str(staging),
                "--file",
                str(listed),
                *offline,
                packages=folder,
            )
        if done.returncode:
            message = f"{self.name} cannot install the packages: {_message_of(done, _document(done))}"
            raise EnvironmentFailure(message, hint=_install_hint(message, access))
        listed.unlink()
        staging.mkdir(exist_ok=True)  # of no packages
        relocation.move(staging, final)

    def _run(self, *arguments: str, packages: Path | None = None) -> process.Completed:
        return process.run([self.path, *arguments], env=_environ(packages))

    def _refused(self, done: process.Completed, answer: Mapping[str, Any]) -> ChannelUnreachable | Unsolvable:
        message = _message_of(done, answer)
        if _NOTHING_FITS.search(f"{answer.get('exception_name', '')} {message}"):
            return Unsolvable(f"{self.name} cannot solve the conda packages: {message}", hint=_UNSOLVABLE)
        return ChannelUnreachable(
            f"{self.name} cannot solve the conda packages: {message}", hint=f"try it by hand: {self.path} search python"
        )

    def _found(self, answer: Mapping[str, Any]) -> list[Package]:
        actions = answer.get("actions") or {}
        wanted = actions.get("LINK", [])
        by_stem = {_file_stem(one): one for one in (*actions.get("FETCH", []), *wanted) if "url" in one}
        missing = [stem for stem in map(_file_stem, wanted) if stem not in by_stem]
        if missing:
            raise ChannelUnreachable(
                f"{self.name} does not say where it gets {missing[0]} from",
                hint="a newer one does; or pip install 'mlproj[conda]'",
            )
        return [_package(by_stem[_file_stem(one)]) for one in wanted]


def _file_stem(one: Mapping[str, Any]) -> str:
    return str(one.get("dist_name") or f"{one['name']}-{one['version']}-{one.get('build_string') or one.get('build')}")


def _package(entry: Mapping[str, Any]) -> Package:
    from mlproj.environments.conda.credentials import Credentials

    url = Credentials().taken_from_package(str(entry["url"]))
    kept = {
        name: entry[name]
        for name in ("name", "version", "build", "subdir", "sha256", "md5", "size", "timestamp")
        if entry.get(name)
    }
    return Package(url, url.rsplit("/", 2)[0], kept)


def _by_address(address: str) -> Package:
    url, _, hashed = address.partition("#")
    named = _NAME.fullmatch(url.rpartition("/")[2])
    if named is None:
        raise EnvironmentFailure(
            f"{mask_channel(url)} does not name a conda package", hint="expected …/name-version-build.conda"
        )
    digest = hashed.removeprefix("sha256:")
    hashes = {"sha256" if len(digest) > _MD5_DIGITS else "md5": digest} if digest else {}
    return Package(url, url.rsplit("/", 2)[0], {**named.groupdict(), **hashes})


def _explicit(package: Package) -> str:
    # Only conda of 2024 and later reads the longer hash; what has both is held to the one that all read.
    return f"{package.url}#{package.md5 or package.sha256}" if package.md5 or package.sha256 else package.url


def _spelled(text: str) -> str:
    """A channel's address, or a package with one before it, by name where conda has names: its settings may say where
    that is."""
    if env_vars.CONDA_CHANNEL_ALIAS.get():
        return text
    for address in channels.DEFAULTS:
        text = re.sub(rf"^{re.escape(address)}(?=::|$)", "defaults", text)
    return text.removeprefix(f"{channels.ALIAS}/")


def _check_credentials(access: Access, name: str) -> None:
    """Raises ChannelAway when an address would have to be shown with its token, on a command line and in files of the
    program's."""
    if access.credentials:
        message = f"the address of a channel has a token or password, which {name} would not keep secret"
        raise ChannelUnreachable(
            message, hint=f"pip install 'mlproj[conda]'; or take it out of the address and log {name} in"
        )


def _environ(packages: Path | None) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if name not in _MISLEADING}
    settings = {
        "CONDA_CHANNEL_PRIORITY": "strict",
        "CONDA_ADD_PIP_AS_PYTHON_DEPENDENCY": "false",  # the pip: section is installed by uv
        "CONDA_CREATE_DEFAULT_PACKAGES": "",
        "CONDA_REPORT_ERRORS": "false",
        "CONDA_NUMBER_CHANNEL_NOTICES": "0",
        "CONDA_AUTO_UPDATE_CONDA": "false",
        "CONDA_REGISTER_ENVS": "false",
    }
    if packages:
        settings |= {"CONDA_PKGS_DIRS": str(packages), "MAMBA_PKGS_DIRS": str(packages)}
    own.setdefault("MAMBA_ROOT_PREFIX", str(paths.cache() / "conda" / "root"))
    return {**own, **settings}


def _folder(name: str) -> Path:
    """A folder that all environments share."""
    folder = paths.cache() / "conda" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _document(done: process.Completed) -> dict[str, Any]:
    """The JSON document on standard output, which old programs precede with other words; empty when there is none."""
    text = done.text
    try:
        found = json.loads(text[text.index("{") :])
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _message_of(done: process.Completed, answer: Mapping[str, Any]) -> str:
    message = str(answer.get("message") or answer.get("error") or done.error_text or done.text)
    without_advice = _ADVICE.split(message)[0].splitlines()
    lines = [line for line in map(str.rstrip, without_advice) if line and not _IDLE.match(line)]
    return mask_channel("\n  ".join(lines[:_LINES]).strip()) or f"it ended with code {done.returncode}"


def _install_hint(message: str, access: Access) -> str | None:
    if re.search(r"No space left|ENOSPC|NoSpaceLeft", message):
        return "the disk is full: mlproj env prune --older-than 30d frees space, or set MLPROJ_CACHE to a larger disk"
    return "run it once without --offline, so that the packages are in the cache" if access.offline else None
