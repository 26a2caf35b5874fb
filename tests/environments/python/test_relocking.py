from __future__ import annotations

from pathlib import Path

import pytest

from mlproj.environments.python import relocking
from mlproj.environments.python.lock import portable
from mlproj.foundation.errors import EnvironmentFailure
from mlproj.foundation.locked import Locked

LOCK = """\
[[packages]]
name = "here"
directory = { path = ".", editable = true }

[[packages]]
name = "copied"
directory = { path = "libs/copied" }

[[packages]]
name = "wheel"
archive = { path = "dist/w.whl", hashes = { sha256 = "0" } }

[[packages]]
name = "elsewhere"
directory = { path = "/opt/elsewhere" }

[[packages]]
name = "lib"
wheels = [{ url = "https://host/a/path = /lib.whl" }]
"""


def test_what_is_the_projects_is_found_in_its_checkout_and_kept_as_it_was(tmp_path: Path) -> None:
    root = tmp_path / "check out"
    placed = relocking.placed(LOCK, root)
    assert [line for line in placed.splitlines() if "path = " in line] == [
        f'directory = {{ path = "{root}", editable = true }}',
        f'directory = {{ path = "{root}/libs/copied" }}',
        f'archive = {{ path = "{root}/dist/w.whl", hashes = {{ sha256 = "0" }} }}',
        'directory = { path = "/opt/elsewhere" }',
        'wheels = [{ url = "https://host/a/path = /lib.whl" }]',
    ]
    assert portable(placed, root) == LOCK
    (tmp_path / "pylock.toml").write_text(LOCK)
    assert relocking.local_packages(tmp_path / "pylock.toml", root) == [root / "libs/copied", root / "dist/w.whl"]


def test_a_run_without_a_lock_is_told(tmp_path: Path) -> None:
    for lock in (None, tmp_path / "pylock.toml"):
        with pytest.raises(EnvironmentFailure, match="the run R has no lock of its packages"):
            relocking.lock_of(Locked("the run R", "python", "uv", lock=lock))
