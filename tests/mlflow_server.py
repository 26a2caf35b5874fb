"""Stock MLflow servers, as their makers publish them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import conftest

RELEASES = {
    "3.17.2": ("mlflow==3.17.2",),
    "2.22.0": ("mlflow==2.22.0", "setuptools<81"),
    "2.9.2": ("mlflow==2.9.2", "setuptools<81"),
    "1.30.1": ("mlflow==1.30.1", "setuptools<66"),
}
_DAYS = {"2.22.0": "2025-06-01", "2.9.2": "2024-01-15", "1.30.1": "2023-06-01"}
# Libraries besides scikit-learn whose models are tested; XGBoost without its 200 MB for graphics cards is a new thing.
_FOR_MODELS = {
    "3.17.2": ("xgboost-cpu", "lightgbm"),
    "2.22.0": ("xgboost-cpu", "lightgbm"),
    "2.9.2": ("lightgbm",),
    "1.30.1": ("lightgbm",),
}
_made: dict[str, Path] = {}
_for_models: set[str] = set()


def installed(version: str, folder: Path) -> Path:
    """The folder with the programs of a release; made once in a session."""
    if version not in _made:
        place = folder / version
        _uv("venv", "--python", conftest.old_python() or sys.executable, str(place))
        _made[version] = place / "bin"
        _install(version, RELEASES[version])
    return _made[version]


def installed_for_models(version: str, folder: Path) -> Path:
    """The same with the libraries that models are made of."""
    programs = installed(version, folder)
    if version not in _for_models:
        _install(version, _FOR_MODELS[version])
        _for_models.add(version)
    return programs


def _install(version: str, requirements: tuple[str, ...]) -> None:
    as_of = ["--exclude-newer", _DAYS[version]] if version in _DAYS else []
    _uv("pip", "install", "--python", str(_made[version] / "python"), *as_of, *requirements)


@contextmanager
def running(programs: Path, folder: Path, store: str, *, port: int | None = None) -> Iterator[str]:
    """A server with its data in *folder*; its address."""
    port = port or free_port()
    command = [programs / "mlflow", "server", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", store, "--artifacts-destination", str(folder / "artifacts")]
    # No --default-artifact-root: its own default is to pass files on.
    with (folder / "server.log").open("ab") as log:
        environ = {
            **os.environ,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "MLFLOW_ALLOW_FILE_STORE": "true",
            "GIT_PYTHON_REFRESH": "quiet",
        }
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=environ, start_new_session=True)
    try:
        _wait(f"http://127.0.0.1:{port}", process, folder / "server.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, 9)
        process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


def _wait(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(log.read_text())


def _uv(*arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", "uv", "-q", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
