from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlproj.foundation import paths
from tests.conda_channel import PLACEHOLDER, Channel

EARLY, LATE = 1_600_000_000_000, 1_700_000_000_000  # milliseconds: 2020-09-13 and 2023-11-14

ACTIVATE = 'export GREETING="hello from $CONDA_PREFIX"\n'


@pytest.fixture(scope="session")
def channel(tmp_path_factory: pytest.TempPathFactory) -> Channel:
    """Python, a library in two versions of 2020 and 2023, one that needs it, and packages of other kinds."""
    made = Channel(tmp_path_factory.mktemp("channels") / "main")
    made.python(timestamp=EARLY)
    made.library("pip", "23.2.1", timestamp=EARLY)  # which conda and micromamba add to every Python
    made.library("mlib", "1.0", timestamp=EARLY)
    made.library("mlib", "2.0", timestamp=LATE)
    made.library("needs-mlib", "1.0", "import mlib\n", depends=["python", "mlib"], timestamp=EARLY)
    made.add("tool", "3", {"bin/tool": f"#!/bin/sh\necho tool of {PLACEHOLDER}\n"}, timestamp=EARLY)
    made.add("greeter", "1", {"etc/conda/activate.d/greet.sh": ACTIVATE}, noarch="generic", timestamp=EARLY)
    made.add("for-gpu", "1", {"share/gpu": "x"}, noarch="generic", depends=["__cuda >=12"], timestamp=EARLY)
    made.index()
    return made


@pytest.fixture(autouse=True)
def _native(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    """conda packages are wanted, from our channel; the packages of all tests share one cache, as a user's do."""
    monkeypatch.delenv("MLPROJ_CONDA", raising=False)
    monkeypatch.setenv("MLPROJ_CONDA_CHANNEL_ALIAS", channel.folder.parent.as_uri())
    shared = channel.folder.parent / "packages"
    shared.mkdir(exist_ok=True)
    (paths.cache() / "conda").mkdir(parents=True, exist_ok=True)
    os.symlink(shared, paths.cache() / "conda" / "packages")


def conda_file(folder: Path, text: str, name: str = "conda.yaml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    (folder / "MLproject").write_text(f"conda_env: {name}\nentry_points: {{main: {{command: 'python main.py'}}}}\n")
    return folder
