"""What packages set when their environment is activated."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlproj.environments.conda import activation
from mlproj.foundation.errors import EnvironmentFailure


def prefix(folder: Path, script: str) -> Path:
    (folder / activation.SCRIPTS).mkdir(parents=True)
    (folder / activation.SCRIPTS / "a.sh").write_text(script)
    return folder


def test_what_a_script_exports_is_found(tmp_path: Path) -> None:
    assert activation.variables(prefix(tmp_path, "export A='b c'\necho told\n"), {}) == {"A": "b c"}


@pytest.mark.parametrize(("script", "reason"), [("exit 0\n", "bash ended early"), ("echo why >&2; exit 3\n", "why")])
def test_a_script_that_ends_the_shell_is_no_activation(tmp_path: Path, script: str, reason: str) -> None:
    with pytest.raises(EnvironmentFailure, match=f"a conda package cannot be activated: {reason}"):
        activation.variables(prefix(tmp_path, script), {})
