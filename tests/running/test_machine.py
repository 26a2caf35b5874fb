from __future__ import annotations

import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

import pytest

from mlproj.running import machine
from tests.program import mlproj, project


def test_the_machine_is_described_as_python_itself_sees_it() -> None:
    found = machine.describe({})

    assert (found["os"], found["kernel"], found["architecture"]) == (
        platform.system(),
        platform.release(),
        platform.machine(),
    )
    assert found["processors"] >= 1
    if sys.platform == "linux" and platform.libc_ver()[0] == "glibc":
        assert found["libc"] == " ".join(platform.libc_ver())
    assert json.loads(json.dumps(found)) == found


def test_a_container_is_not_said_to_have_this_machines_c_library() -> None:
    assert machine.describe({}, in_container=True)["libc"] is None


def test_only_variables_that_matter_and_are_set_are_kept() -> None:
    environ = {"OMP_NUM_THREADS": "4", "TZ": "", "API_TOKEN": "hush-hush", "HOME": "/home/ann"}

    assert machine.describe(environ)["variables"] == {"OMP_NUM_THREADS": "4", "TZ": ""}


def test_what_is_secret_in_a_value_is_masked_and_odd_bytes_are_text() -> None:
    environ = {"PYTHONPATH": "https://ann:hush@host/x", "LD_PRELOAD": os.fsdecode(b"/lib/\xff.so")}

    found = machine.describe(environ)["variables"]

    assert found == {"LD_PRELOAD": "/lib/\\xff.so", "PYTHONPATH": "https://****@host/x"}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("model name\t: Some CPU @ 2 GHz\nflags\t\t: fpu avx avx2\n", ("Some CPU @ 2 GHz", "avx2")),
        ("processor : 0\nFeatures : fp asimd sve\nCPU part : 0xd40\n", ("0xd40", "sve")),
        ("nonsense", (None, None)),
    ],
)
def test_processors_of_all_makes_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, told: str, expected: tuple[Any, Any]
) -> None:
    (tmp_path / "cpuinfo").write_text(told)
    monkeypatch.setattr(machine, "PROCESSORS", tmp_path / "cpuinfo")

    found = machine.describe({})

    assert (found["processor"], found["vectors"]) == expected


def test_cards_are_named_without_asking_a_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    card = tmp_path / "gpus" / "0000:01:00.0"
    card.mkdir(parents=True)
    (tmp_path / "version").write_text(
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 UTC 2023\n"
    )
    (card / "information").write_text("Model: \t\t NVIDIA A100-SXM4-40GB\nIRQ:   \t\t 74\n")
    monkeypatch.setattr(machine, "NVIDIA", tmp_path)

    found = machine.describe({})

    assert (found["gpus"], found["gpu_driver"]) == (["NVIDIA A100-SXM4-40GB"], "535.104.05")


def test_a_run_records_its_machine_and_the_variables_that_its_command_had(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", "entry_points: {main: {command: 'true'}}\n")

    run = mlproj("run", folder, "--json", env={"PYTHONHASHSEED": "7", "SECRET_TOKEN": "hush-hush"}).document["run"]

    recorded = run["environment"]["machine"]
    assert recorded["kernel"] == platform.release()
    assert recorded["variables"]["PYTHONHASHSEED"] == "7"
    assert "hush" not in json.dumps(recorded)
    shown = mlproj("runs", "show", "last").out
    assert "\n\nmachine\n" in shown and "  PYTHONHASHSEED  7" in shown
