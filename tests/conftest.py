"""What every test may rely on: a user's home, cache, Git configuration and mlproj settings never leak in."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings

from tests.heard import Heard

# How long an example takes says how busy the machine is, not whether it is right.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# Tools that a laptop may lack; with MLPROJ_TEST_REQUIRE=all (continuous integration) lacking one is a failure.
_CHECKS: dict[str, Callable[[], bool]] = {
    "git": lambda: shutil.which("git") is not None,
    "git-lfs": lambda: shutil.which("git-lfs") is not None,
    "ssh-keygen": lambda: shutil.which("ssh-keygen") is not None,
    "sshd": lambda: shutil.which("sshd") is not None or Path("/usr/sbin/sshd").exists(),
    "bwrap": lambda: shutil.which("bwrap") is not None,
    "ps": lambda: shutil.which("ps") is not None,
    "tmux": lambda: shutil.which("tmux") is not None,
    "rattler": lambda: _imports("rattler"),
    "rocrate": lambda: _imports("rocrate") and _imports("rocrate_validator"),
    "Rscript": lambda: shutil.which("Rscript") is not None,
    "dev-full": lambda: Path("/dev/full").exists(),
    "index": lambda: _index_answers(),
    "old-python": lambda: old_python() is not None,
    "fsspec": lambda: _imports("fsspec"),
    "mlflow": lambda: _imports("mlflow"),
    "sqlalchemy": lambda: _imports("sqlalchemy"),
    "postgres": lambda: bool(postgres_programs()) and _imports("psycopg"),
    "pandas": lambda: _imports("pandas"),
    "docker": lambda: _answers("docker"),
    "docker-registry": lambda: shutil.which("docker-registry") is not None,
    "root": lambda: os.geteuid() == 0,
    "no-network": lambda: (
        subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False).returncode == 0
    ),
    "podman": lambda: _answers("podman"),
    "rootless": lambda: all(map(shutil.which, ("newuidmap", "slirp4netns", "setpriv", "useradd"))),
    "chromium": lambda: shutil.which("chromium") is not None and _imports("playwright"),
}


def _answers(engine: str) -> bool:
    """Whether a container engine is there and its daemon, where it has one, answers."""
    program = shutil.which(engine)
    return program is not None and subprocess.run([program, "info"], capture_output=True, check=False).returncode == 0


def _imports(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module) is not None


def postgres_programs() -> Path | None:
    """The folder with PostgreSQL's server programs: on PATH, or where Debian keeps them."""
    found = shutil.which("initdb")
    kept = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda program: int(program.parts[-3]))
    return Path(found).parent if found else kept[-1].parent if kept else None


def old_python() -> str | None:
    """A Python that MLflow's oldest clients can be installed for: 3.10 or 3.11, ours if it is one."""
    if sys.version_info < (3, 12):
        return sys.executable
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    kept = [str(python) for version in ("3.11", "3.10") for python in sorted(pyenv.glob(f"{version}.*/bin/python"))]
    return next((found for found in (shutil.which("python3.11"), shutil.which("python3.10"), *kept) if found), None)


def _index_answers() -> bool:
    """Whether a package index can be reached with the machine's own settings."""
    found = subprocess.run(
        [sys.executable, "-m", "uv", "pip", "compile", "--no-header", "--no-cache", "-q", "-"],
        input=b"six==1.16.0",
        capture_output=True,
        check=False,
    )
    return found.returncode == 0


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*tools): the test uses real tools that a machine may lack")
    # `pytest &` in a script and `nohup pytest` ignore a signal, and what the tests start would ignore it too.
    for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)


_found: dict[str, bool] = {}


def has(tool: str) -> bool:
    """Whether *tool* is on this machine; looked up once."""
    if tool not in _found:
        _found[tool] = _CHECKS[tool]()
    return _found[tool]


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        for tool in marker.args:
            if not has(tool):
                lack(f"{tool} is not on this machine")


def lack(what: str) -> NoReturn:
    """Skip the test, or fail it where nothing may be skipped."""
    if os.environ.get("MLPROJ_TEST_REQUIRE") == "all":
        pytest.fail(f"{what}, and MLPROJ_TEST_REQUIRE=all allows no skip")
    pytest.skip(what)


@pytest.fixture(autouse=True)
def _isolated(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home, a cache and a Git configuration of the test's own; uv's package cache is shared, as it holds no state of
    ours."""
    base = tmp_path_factory.mktemp("isolated")
    for name in [
        variable
        for variable in os.environ
        if variable.startswith(("MLPROJ_", "GIT_", "MLFLOW_")) and variable != "MLPROJ_TEST_REQUIRE"
    ]:
        monkeypatch.delenv(name)
    uv_cache = os.environ.get("UV_CACHE_DIR") or str(Path.home() / ".cache" / "uv")
    monkeypatch.setenv("UV_CACHE_DIR", uv_cache)
    if "PYENV_ROOT" not in os.environ:
        monkeypatch.setenv("PYENV_ROOT", str(Path.home() / ".pyenv"))
    (base / "user").mkdir()
    (base / "user" / ".gitconfig").write_text(
        "[user]\n\tname = A Tester\n\temail = tester@example.org\n[init]\n\tdefaultBranch = main\n"
    )
    monkeypatch.setenv("HOME", str(base / "user"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(base / "user" / ".gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_TERMINAL_PROMPT", "0")
    # A command run in this process must not adopt, and then end, what other tests have started.
    monkeypatch.setattr("mlproj.backends.subreaper.become", lambda: None)
    monkeypatch.setenv("MLPROJ_CONDA", "off")  # no test asks channels far away
    monkeypatch.setenv("MLPROJ_HOME", str(base / "home"))
    monkeypatch.setenv("MLPROJ_CACHE", str(base / "cache"))
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.fixture
def told() -> Heard:
    return Heard()


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte; only root can mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    if (
        not mount
        or subprocess.run(
            [mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True, check=False
        ).returncode
    ):
        lack("cannot mount a small disk here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", disk], check=True)
