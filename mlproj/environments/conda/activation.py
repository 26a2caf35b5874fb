"""What conda packages want set while they are used: variables in files and scripts of their own."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from mlproj.foundation import process
from mlproj.foundation.errors import EnvironmentFailure

SCRIPTS = "etc/conda/activate.d"
"""Where an environment has scripts to be read by a shell."""

_OF_A_SHELL = frozenset(("PATH", "_", "SHLVL", "PWD", "OLDPWD"))


def variables(prefix: Path, own: Mapping[str, str]) -> dict[str, str]:
    """What the files and scripts of the environment at *prefix* set, for a program that gets the variables *own*.

    https://docs.conda.io/projects/conda/en/latest/user-guide/tasks/manage-environments.html#saving-environment-variables
    Raises EnvironmentFailure.
    """
    found = of_files(prefix)
    scripts = sorted((prefix / SCRIPTS).glob("*.sh"))
    return {**found, **_of_scripts(scripts, prefix, {**own, **found})} if scripts else found


def of_files(prefix: Path) -> dict[str, str]:
    """The variables that files of the environment at *prefix* hold. Raises EnvironmentFailure."""
    found: dict[str, str] = {}
    for file in sorted((prefix / "etc" / "conda" / "env_vars.d").glob("*.json")):
        try:
            found |= {str(name): str(value) for name, value in json.loads(file.read_text("utf-8")).items()}
        except (OSError, ValueError, AttributeError) as error:
            raise EnvironmentFailure(f"{file.name} of a conda package cannot be read: {error}") from error
    return found


def _of_scripts(scripts: list[Path], prefix: Path, own: Mapping[str, str]) -> dict[str, str]:
    before = {**os.environ, **own, "PATH": f"{prefix / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    done = process.run(
        ["bash", "-c", 'for file in "$@"; do . "$file" >&2; done; env -0', "activate", *scripts], env=before
    )
    if done.returncode or not done.stdout:  # bash may also end well without any output
        reason = done.error_text.strip()[-500:] or "bash ended early; a script that it executes, or BASH_ENV, exits"
        raise EnvironmentFailure(f"a conda package cannot be activated: {reason}", hint="--env-manager uv does without")
    after = dict(
        line.split("=", 1) for line in done.stdout.decode("utf-8", "surrogateescape").split("\0") if "=" in line
    )
    return {name: value for name, value in after.items() if name not in _OF_A_SHELL and before.get(name) != value}
