"""Which wheels fit a machine, and which entries of a lock it needs."""

from __future__ import annotations

import pytest

from mlproj.environments.python.target import Target

LINUX = Target("linux-64", "3.11.7", 36)


def best(target: Target, *names: str) -> str | None:
    found = target.best([{"name": f"x-1-{name}.whl"} for name in names])
    return found and str(found["name"]).removeprefix("x-1-").removesuffix(".whl")


@pytest.mark.parametrize(
    ("target", "names", "chosen"),
    [
        (LINUX, ["py3-none-any", "cp311-cp311-manylinux_2_17_x86_64"], "cp311-cp311-manylinux_2_17_x86_64"),
        (LINUX, ["cp311-cp311-manylinux_2_28_x86_64", "cp311-cp311-manylinux2014_x86_64"],
         "cp311-cp311-manylinux2014_x86_64"),
        (LINUX, ["cp38-abi3-manylinux1_x86_64", "cp37-abi3-manylinux_2_34_x86_64"], "cp38-abi3-manylinux1_x86_64"),
        (LINUX,
         ["cp311-cp311-win_amd64", "cp311-cp311-musllinux_1_1_x86_64", "cp310-cp310-linux_x86_64", "nonsense"], None),
        (LINUX, ["cp311-cp311-manylinux_2_38_x86_64"], None),
        (Target("linux-64", "3.11.7", 28), ["cp311-cp311-manylinux_2_34_x86_64", "py2.py3-none-any"],
         "py2.py3-none-any"),
        (Target("linux-aarch64", "3.12.1", 28),
         ["cp312-none-manylinux1_x86_64", "cp312-none-manylinux_2_17_aarch64.manylinux2014_aarch64"],
         "cp312-none-manylinux_2_17_aarch64.manylinux2014_aarch64"),
        (Target("osx-arm64", "3.11.7", 28), ["cp311-cp311-macosx_10_9_universal2", "cp311-cp311-macosx_11_0_arm64"],
         "cp311-cp311-macosx_11_0_arm64"),
        (Target("win-64", "3.11.7", 28), ["cp311-cp311-win32", "cp311-cp311-win_amd64"], "cp311-cp311-win_amd64"),
        (Target("linux-64", "3.7.16", 28), ["cp37-cp37m-manylinux1_x86_64"], "cp37-cp37m-manylinux1_x86_64"),
    ],
)  # fmt: skip
def test_the_wheel_is_that_of_an_installer_for_the_oldest_systems(
    target: Target, names: list[str], chosen: str | None
) -> None:
    assert best(target, *names) == best(target, *reversed(names)) == chosen


@pytest.mark.parametrize(
    ("marker", "here", "there"),
    [
        (None, True, True),
        ("sys_platform == 'win32'", False, True),
        ("platform_machine == 'x86_64' and os_name == 'posix'", True, False),
        ("python_full_version < '3.11.8'", True, False),
        ("no marker at all", True, True),
        ("'dev' in dependency_groups", True, True),
    ],
)
def test_markers_say_what_is_needed(marker: str | None, here: bool, there: bool) -> None:
    entry = {"name": "x", **({"marker": marker} if marker else {})}

    assert (LINUX.needs(entry), Target("win-64", "3.12.0", 28).needs(entry)) == (here, there)
