from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest

import mlproj
from mlproj.cli import machine_fault
from mlproj.foundation import paths


def explained(number: int, name: object) -> tuple[int, str] | None:
    fault = machine_fault.explain(OSError(number, "words", name))
    return (fault.exit_code, str(fault)) if fault else None


@pytest.mark.parametrize("name", ["/somewhere/file", b"/somewhere/file", "/somewhere/\udcff"])
def test_a_file_that_is_not_ours_is_a_condition_of_the_machine(name: object) -> None:
    found = explained(errno.EACCES, name)

    assert found is not None
    assert found[0] == 66
    assert found[1].startswith("/somewhere/")


def test_home_and_cache_are_told_by_their_variables() -> None:
    for folder, variable in ((paths.home(), "MLPROJ_HOME"), (paths.cache(), "MLPROJ_CACHE")):
        fault = machine_fault.explain(OSError(errno.EROFS, "Read-only file system", str(folder / "x")))
        assert fault is not None
        assert fault.exit_code == 69
        assert variable in (fault.hint or "")


def test_a_file_of_the_package_or_none_is_a_bug_still() -> None:
    assert explained(errno.ENOENT, str(Path(mlproj.__file__).parent / "missing.sql")) is None
    assert explained(errno.EINVAL, None) is None
    assert explained(errno.EBADF, 7) is None


def test_of_several_files_the_first_is_named() -> None:
    fault = machine_fault.explain(shutil.Error([("/a/file", "/b/file", "why")]))

    assert fault is not None
    assert "/a/file" in str(fault)
