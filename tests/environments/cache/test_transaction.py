from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlproj.environments.cache import inventory, transaction
from mlproj.foundation import paths
from mlproj.foundation.errors import EnvironmentFailure
from mlproj.foundation.progress import Silent

KEY = "a" * 32
OTHER = "ab" + "b" * 30


def _fill(staging: Path) -> dict[str, Any]:
    """What a build does, in small: an interpreter and a script that names it."""
    scripts = staging / "venv" / "bin"
    scripts.mkdir(parents=True)
    (scripts / "python").symlink_to(sys.executable)
    (scripts / "eat").write_text(f"#!{scripts}/python\nprint('eaten')\n")
    (scripts / "eat").chmod(0o755)
    return {
        "kind": "python",
        "manager": "uv",
        "python": "3.11.7",
        "declaration": "requirements",
        "packages": {"apple": "1.0"},
    }


_OTHER_PROCESS = """
    import sys
    from pathlib import Path
    from mlproj.environments.cache import inventory, transaction
    from mlproj.foundation.progress import Silent
    from tests.environments.cache.test_transaction import _fill

    class Told(Silent):
        def note(self, text):
            print("note", text, flush=True)

    def build(staging):
        print("building", flush=True)
        (staging / "half").write_text("made")
        sys.stdin.readline()
        return _fill(staging)

    folder, reused = transaction.obtain(sys.argv[1], build, Told())
    print("reused" if reused else "built", flush=True)
    sys.stdin.readline()
"""


@contextlib.contextmanager
def _other_process(key: str = KEY) -> Iterator[subprocess.Popen[str]]:
    """Another process that obtains *key*: it builds when it gets a line, uses the environment, and ends at the next
    line."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(_OTHER_PROCESS), key],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def _hear(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _go_on(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def _visible() -> list[str]:
    return sorted(place.name for place in paths.environments().iterdir() if not place.name.endswith(".lock"))


def test_a_built_environment_is_found_again() -> None:
    folder, reused = transaction.obtain(KEY, _fill, Silent())
    assert not reused
    assert transaction.obtain(KEY, _fill, Silent()) == (folder, True)
    assert transaction.find(KEY) == folder


def test_scripts_run_from_the_place_they_were_moved_to() -> None:
    folder, _ = transaction.obtain(KEY, _fill, Silent())
    done = subprocess.run([folder / "venv" / "bin" / "eat"], capture_output=True, text=True, check=True)
    assert done.stdout == "eaten\n"


def test_a_script_that_the_installer_shares_with_its_cache_is_not_written_through(tmp_path: Path) -> None:
    cached = tmp_path / "cached"

    def build(staging: Path) -> dict[str, Any]:
        content = _fill(staging)
        os.link(staging / "venv" / "bin" / "eat", cached)
        return content

    transaction.obtain(KEY, build, Silent())
    assert ".building" in cached.read_text()


def test_two_runs_at_once_build_once() -> None:
    with _other_process() as first, _other_process() as second:
        # Whoever is first builds; the other one says that it waits.
        said = {process: _hear(process) for process in (first, second)}
        assert sorted(said.values()) == ["building", "note another run is making this environment; waiting for it"]
        builder, waiter = sorted(said, key=lambda process: said[process])
        _go_on(builder)
        assert _hear(builder) == "built"
        assert _hear(waiter) == "reused"


def test_a_build_killed_half_way_leaves_nothing_that_is_used() -> None:
    with _other_process() as process:
        assert _hear(process) == "building"
        assert transaction.find(KEY) is None
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert transaction.find(KEY) is None
    assert inventory.installed() == []
    folder, reused = transaction.obtain(KEY, _fill, Silent())
    assert not reused
    assert not (folder / "half").exists()
    assert _visible() == [KEY]


def test_prune_clears_what_killed_builds_left_but_not_a_build_that_goes_on() -> None:
    with _other_process() as process:
        assert _hear(process) == "building"
        assert inventory.prune().leftovers == 0
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert inventory.prune().leftovers == 1
    assert _visible() == []


def test_a_failing_build_leaves_nothing() -> None:
    def build(staging: Path) -> dict[str, Any]:
        _fill(staging)
        raise EnvironmentFailure("no such package")

    with pytest.raises(EnvironmentFailure, match="no such package"):
        transaction.obtain(KEY, build, Silent())
    assert _visible() == []


def test_an_environment_in_use_is_neither_removed_nor_pruned_nor_rebuilt() -> None:
    with _other_process() as process:
        assert _hear(process) == "building"
        _go_on(process)
        assert _hear(process) == "built"
        assert inventory.show(KEY).in_use
        with pytest.raises(EnvironmentFailure, match="in use by a running command"):
            inventory.remove(KEY)
        assert inventory.prune().kept_in_use == (KEY,)
        with pytest.raises(EnvironmentFailure, match="in use by a running command"):
            transaction.obtain(KEY, _fill, Silent(), rebuild=True)
        assert transaction.find(KEY) is not None
        _go_on(process)
        process.wait()
    assert inventory.prune().removed == (KEY,)
    assert _visible() == []


def test_a_rebuild_that_fails_keeps_what_was_there() -> None:
    folder, _ = transaction.obtain(KEY, _fill, Silent())

    def build(staging: Path) -> dict[str, Any]:
        raise EnvironmentFailure("no network")

    with pytest.raises(EnvironmentFailure):
        transaction.obtain(KEY, build, Silent(), rebuild=True)
    assert transaction.find(KEY) == folder


def test_an_environment_whose_interpreter_is_gone_is_built_again(tmp_path: Path) -> None:
    interpreter = tmp_path / "python"
    interpreter.write_text("")

    def build(staging: Path) -> dict[str, Any]:
        content = _fill(staging)
        (staging / "venv" / "bin" / "python").unlink()
        (staging / "venv" / "bin" / "python").symlink_to(interpreter)
        return content

    transaction.obtain(KEY, build, Silent())
    interpreter.unlink()
    assert transaction.find(KEY) is None
    _, reused = transaction.obtain(KEY, _fill, Silent())
    assert not reused


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A disk of one megabyte as the cache."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("may not mount a small disk")
    monkeypatch.setenv("MLPROJ_CACHE", str(place))
    yield place
    for folder in list(transaction._in_use):
        transaction.give_up(folder)
    subprocess.run(["umount", place], check=True)


def test_a_full_disk_is_told_and_nothing_is_left(small_disk: Path) -> None:
    def build(staging: Path) -> dict[str, Any]:
        (staging / "big").write_bytes(bytes(2_000_000))
        return {}

    with pytest.raises(EnvironmentFailure, match="does not fit on the disk") as failure:
        transaction.obtain(KEY, build, Silent())
    assert failure.value.hint is not None and "mlproj env prune" in failure.value.hint
    assert _visible() == []
