"""The sign of having started: given by any shell, with any options, and by nothing else."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from mlproj.run_folder import start_sign

SHELLS = (["bash", "-c"], ["bash", "--posix", "-c"], ["bash", "-euo", "pipefail", "-c"], ["dash", "-c"], ["sh", "-c"])


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_a_command_keeps_its_output_code_and_line_numbers(tmp_path: Path, shell: list[str]) -> None:
    folder = tmp_path / "it's $HOME"
    folder.mkdir()
    sign = start_sign.create(folder)

    command = "echo out; nosuchprogram; exit 3"
    with_sign, without = (
        subprocess.run([*shell, step + command], capture_output=True, check=False)
        for step in (start_sign.shell_step(sign), "")
    )

    assert (with_sign.returncode, with_sign.stdout, with_sign.stderr) == (
        without.returncode,
        without.stdout,
        without.stderr,
    )
    assert without.stderr and start_sign.collect(sign) and list(folder.iterdir()) == []


def test_one_that_cannot_be_given_does_not_keep_the_command_from_running(tmp_path: Path) -> None:
    step = start_sign.shell_step(tmp_path / "no" / "such")

    done = subprocess.run(["bash", "-ec", f"{step}echo ran"], capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr) == ("ran\n", "")


def test_the_command_takes_the_place_of_the_shell_as_without_a_sign(tmp_path: Path) -> None:
    """No process more."""
    step = start_sign.shell_step(start_sign.create(tmp_path))

    with subprocess.Popen(["bash", "-c", f"{step}readlink /proc/self"], stdout=subprocess.PIPE, text=True) as process:
        out, _ = process.communicate()

    assert out == f"{process.pid}\n"


def test_it_is_not_given_where_the_command_was_not_reached(tmp_path: Path) -> None:
    assert not start_sign.collect(start_sign.create(tmp_path))
    sign = start_sign.create(tmp_path)
    sign.unlink()
    assert not start_sign.collect(sign)


def test_any_user_may_give_it_and_only_who_is_shown_the_file(tmp_path: Path) -> None:
    """The command of a container may be another user's; others on this machine do not reach it."""
    before = os.umask(0o077)
    try:
        sign = start_sign.create(tmp_path)
    finally:
        os.umask(before)

    assert (sign.stat().st_mode & 0o777, sign.parent.stat().st_mode & 0o777) == (0o666, 0o700)
