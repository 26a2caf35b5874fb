from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlproj.environments.python import shebang

OLD = "/usr/bin/python3.11"


def _script(folder: Path, first_line: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / "eat"
    script.write_text(f"{first_line}\nimport sys\nprint(sys.argv[1])\n")
    script.chmod(0o755)
    return script


@pytest.mark.parametrize("name", ["bin", "with a space", "it's quoted, with spaces", "long" * 40])
def test_a_script_is_run_by_the_new_python_wherever_that_is(tmp_path: Path, name: str) -> None:
    python = tmp_path / name / "python"
    script = _script(tmp_path / name, f"#!{OLD}")
    python.symlink_to(sys.executable)
    shebang.change(script.parent, OLD, str(python))
    assert subprocess.run([script, "an apple"], capture_output=True, text=True, check=True).stdout == "an apple\n"
    assert str(python) in script.read_text() or "'" in name
    assert OLD not in script.read_text()


@pytest.mark.parametrize("first_line", ["#!/bin/sh", "#!/usr/bin/python3.119", "#!/usr/bin/env python", f"# {OLD}", ""])
def test_scripts_of_another_program_stay_as_they_are(tmp_path: Path, first_line: str) -> None:
    script = _script(tmp_path, first_line)
    before = script.read_bytes()
    shebang.change(tmp_path, OLD, "/new/python")
    assert script.read_bytes() == before


def test_options_in_the_first_line_stay(tmp_path: Path) -> None:
    script = _script(tmp_path, f"#!{OLD} -u")
    shebang.change(tmp_path, OLD, "/new/python")
    assert script.read_text().startswith("#!/new/python -u\n")


def test_a_file_that_the_installer_shares_with_its_cache_is_not_written_through(tmp_path: Path) -> None:
    script = _script(tmp_path / "bin", f"#!{OLD}")
    os.link(script, tmp_path / "cached")
    shebang.change(tmp_path / "bin", OLD, "/new/python")
    assert (tmp_path / "cached").read_text().startswith(f"#!{OLD}\n")
    assert os.access(script, os.X_OK)
