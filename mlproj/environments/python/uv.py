"""uv, which resolves and installs: its binary, the surroundings it is given, and its errors in our words."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from mlproj.environments.python.source_builds import LOGGED, SourceBuilds
from mlproj.foundation import presence, process
from mlproj.foundation.errors import EnvironmentFailure
from mlproj.foundation.progress import Progress
from mlproj.foundation.redaction import redact

# uv settings of the user that say where packages come from and how they travel. Every other one (UV_EXCLUDE_NEWER,
# UV_CONSTRAINT, UV_PYTHON …) would change what is installed without being part of what the project or the flags say.
_KEPT = frozenset(
    (
        "UV_CACHE_DIR", "UV_CONCURRENT_BUILDS", "UV_CONCURRENT_DOWNLOADS", "UV_CONCURRENT_INSTALLS", "UV_CONFIG_FILE",
        "UV_CREDENTIALS_DIR", "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_HTTP_RETRIES",
        "UV_HTTP_TIMEOUT", "UV_INDEX", "UV_INDEX_STRATEGY", "UV_INDEX_URL", "UV_INSECURE_HOST",
        "UV_INSECURE_NO_ZIP_VALIDATION", "UV_KEYRING_PROVIDER", "UV_LINK_MODE", "UV_NATIVE_TLS", "UV_NO_CACHE",
        "UV_NO_CONFIG", "UV_NO_INDEX", "UV_OFFLINE", "UV_PYTHON_CACHE_DIR", "UV_PYTHON_DOWNLOADS_JSON_URL",
        "UV_PYTHON_INSTALL_DIR", "UV_PYTHON_INSTALL_MIRROR", "UV_PYPY_INSTALL_MIRROR", "UV_REQUEST_TIMEOUT",
        "UV_SYSTEM_CERTS", "UV_TORCH_BACKEND",
    )
)  # fmt: skip
_CREDENTIALS = re.compile(r"UV_INDEX_\w+_(USERNAME|PASSWORD)$")
# What would make uv (or a build that it starts) look at another Python than the one it is told to use.
_MISLEADING = frozenset(
    ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "__PYVENV_LAUNCHER__")
)


def binary() -> str:
    """The uv of this installation, else the one on ``PATH``.

    The wheel puts its program beside the interpreter; looking there costs no import. Raises
    :class:`EnvironmentFailure`.
    """
    name = "uv.exe" if os.name == "nt" else "uv"
    beside = Path(sys.executable).parent / name
    if presence.is_file(beside):
        return str(beside)
    import shutil
    import sysconfig

    places = [sysconfig.get_path("scripts"), sysconfig.get_path("scripts", f"{os.name}_user")]
    located = next(
        (str(Path(place, name)) for place in places if presence.is_file(Path(place, name))), None
    ) or shutil.which("uv")
    if located is None:
        raise EnvironmentFailure(
            "uv, which installs packages, is not there", hint="it belongs to mlproj's installation: pip install uv"
        )
    return located


def inherited() -> dict[str, str]:
    """Our environment without what would make an installer look at another Python than the one it is told to use."""
    return {name: value for name, value in os.environ.items() if name not in _MISLEADING and _concerns_uv(name)}


def environ(settings: Mapping[str, str], *, offline: bool) -> dict[str, str]:
    """What uv sees: the user's own settings that concern its work, plus *settings*; it never downloads a Python by
    itself."""
    fixed = {"UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1", "NO_COLOR": "1"}
    return {**inherited(), **fixed, **settings, **({"UV_OFFLINE": "1"} if offline else {})}


def _concerns_uv(name: str) -> bool:
    return not name.startswith("UV_") or name in _KEPT or bool(_CREDENTIALS.match(name))


class Uv:
    """uv at work in one folder, whose ``uv.toml`` (when there is one) adds to the user's own configuration."""

    def __init__(self, folder: Path, settings: Mapping[str, str], progress: Progress, *, offline: bool) -> None:
        self.folder = folder
        self.offline = offline
        self._settings = settings
        self.progress = progress
        self._named_builds: set[str] = set()

    def run(self, *arguments: str | Path) -> process.Completed:
        """Run uv to its end; its own lines are shown as details. The caller knows what a failure means."""
        seen = self._environ()
        builds = SourceBuilds(self.progress, self._named_builds)  # another call may go on beside this one

        def hear(line: str) -> None:
            if not builds.hear(line):
                self.progress.detail(redact(line))

        try:
            done = process.follow([binary(), *arguments], hear, cwd=self.folder, env={**LOGGED, **seen})
        finally:
            builds.end()
        if "RUST_LOG" in seen:  # the user wants to see it
            return done
        errors = b"".join(line for line in done.stderr.splitlines(keepends=True) if not line.startswith(b"DEBUG "))
        return process.Completed(done.argv, done.returncode, done.stdout, errors)

    def attempt(self, *arguments: str | Path) -> bool:
        """Whether uv could do this, without a word when it could not."""
        return process.run([binary(), *arguments], cwd=self.folder, env=self._environ()).returncode == 0

    def _environ(self) -> dict[str, str]:
        seen = environ(self._settings, offline=self.offline)
        if presence.exists(self.configuration) and {"UV_CONFIG_FILE", "UV_NO_CONFIG"} & seen.keys():
            seen.pop("UV_NO_CONFIG", None)
            seen["UV_CONFIG_FILE"] = str(self.configuration)
        return seen

    @property
    def configuration(self) -> Path:
        """The ``uv.toml`` of the folder. It adds to the user's own, or stands for it where the user names a single
        file."""
        return self.folder / "uv.toml"

    def own_configuration(self) -> str:
        """What the configuration of the folder has to begin with: the content of the file that ``UV_CONFIG_FILE``
        names."""
        file = os.environ.get("UV_CONFIG_FILE")
        return (
            Path(file).read_text("utf-8") + "\n"
            if file and not os.environ.get("UV_NO_CONFIG") and presence.is_file(file)
            else ""
        )

    def check(self, what: str, *arguments: str | Path, hint: str | None = None) -> process.Completed:
        """As :meth:`run`, but a failure is an :class:`EnvironmentFailure` that says *what* could not be done and
        why."""
        completed = self.run(*arguments)
        if completed.returncode:
            raise failure(what, completed.error_text, hint=hint)
        return completed


_UNTRUSTED = re.compile(r"invalid peer certificate|CERTIFICATE_VERIFY_FAILED")
_UNREACHABLE = re.compile(
    r"could not resolve host|failed to lookup address|dns error|connection refused|connection reset|timed out|network"
    r" is unreachable",
    re.IGNORECASE,
)


def failure(what: str, output: str, *, hint: str | None = None) -> EnvironmentFailure:
    """The error for an installer that gave up: our sentence, its own words (without secrets), and what to try."""
    return EnvironmentFailure(f"{what}:\n{_indented(redact(output).strip())}", hint=_known_hint(output) or hint)


def _indented(text: str, limit: int = 60) -> str:
    lines = text.splitlines()
    if len(lines) > limit:
        lines = [*lines[: limit // 2], f"… {len(lines) - limit} lines left out …", *lines[-limit // 2 :]]
    return "\n".join(f"  {line}".rstrip() for line in lines)


def _known_hint(output: str) -> str | None:
    """What to do about reasons that have nothing to do with the project."""
    if "No space left on device" in output or "os error 28" in output:
        return "the disk is full: mlproj env prune --older-than 30d frees space, or set MLPROJ_CACHE to a larger disk"
    if re.search(r"network (?:was|is|connectivity is) disabled|--offline", output, re.IGNORECASE):
        return "run it once without --offline, so that the packages are in the cache"
    if _UNTRUSTED.search(output):
        return (
            "the server's certificate is signed by nobody that uv knows: UV_SYSTEM_CERTS=1 takes those that this"
            " system trusts, SSL_CERT_FILE=FILE those of a file"
        )
    if _UNREACHABLE.search(output):
        return "check the network, the proxy and the address of the package index, then try again"
    unknown = re.search(r"Because (\S+) was not found in the package (?:registry|index)", output)
    if unknown:
        return (
            f"no package is called {unknown[1]!r}: check how the name is spelled, or name the index that has it"
            " (--extra-index-url)"
        )
    return None


def option_words(flag: str, values: Sequence[str]) -> list[str]:
    """``--flag VALUE`` for each of *values*."""
    return [word for value in values for word in (flag, value)]
