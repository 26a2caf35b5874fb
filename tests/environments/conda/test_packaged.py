"""A conda environment in a package: its packages come along, and are enough."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from mlproj.foundation import paths
from tests import tiny_package
from tests.conda_channel import Channel
from tests.environments.conda.conftest import conda_file
from tests.package.packed import committed, manifest, package
from tests.program import mlproj

pytestmark = pytest.mark.needs("rattler")

MAIN = "import mlib, tiny; print(mlib.__version__, tiny.x)\n"


def test_conda_packages_and_what_pip_adds_come_along(tmp_path: Path, channel: Channel) -> None:
    folder = conda_file(tmp_path / "p", "channels: [main]\ndependencies: [python, pip, mlib=1, {pip: [./tiny]}]\n")
    for name, content in tiny_package.files().items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content)
    (folder / "main.py").write_text(MAIN)
    committed(folder)
    (tmp_path / "channels").mkdir()
    shutil.copytree(channel.folder, tmp_path / "channels" / "main")
    alias = {"MLPROJ_CONDA_CHANNEL_ALIAS": (tmp_path / "channels").as_uri()}

    package(folder, tmp_path / "a.mlproj", "--offline", env=alias)
    shutil.rmtree(tmp_path / "channels")

    made = manifest(tmp_path / "a.mlproj")
    assert {name.rpartition("/")[2] for name in made["members"] if name.startswith("packages/")} >= {
        "mlib-1.0-0.tar.bz2",
        "tiny-3-py3-none-any.whl",
    }
    other = {"MLPROJ_CACHE": str(tmp_path / "cache"), "UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple"}
    run = mlproj("run", tmp_path / "a.mlproj", "--json", env=other)
    assert run.code == 0 and "1.0 tiny\n" in run.err, run.err
    kept = (paths.run_dir(run.document["run"]["run_id"]) / "conda.lock.txt").read_bytes()
    (lock,) = made["locks"].values()
    assert hashlib.sha256(kept).hexdigest() == made["members"][lock]["sha256"]

    refused = mlproj(
        "package",
        tmp_path / "a.mlproj",
        "-o",
        tmp_path / "c.mlproj",
        "--offline",
        "--platform",
        "darwin/arm64",
        env=other,
    )
    assert refused.code == 73 and "conda packages come along for this platform only" in refused.err
