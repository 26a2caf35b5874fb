"""The log of both streams, read while it grows and after a crash."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlproj.foundation.errors import ServiceError
from mlproj.run_folder import output_log
from mlproj.run_folder.output_log import INDEX, LOG, OutputLog

PIECES = st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(min_size=1, max_size=20)), max_size=30)


def write(folder: Path, *pieces: tuple[int, bytes]) -> OutputLog:
    log = OutputLog(folder)
    for stream, data in pieces:
        log.write(stream, data)
    log.close()
    return log


def read(folder: Path, stream: str = "all") -> bytes:
    return b"".join(output_log.read(folder, stream))


@given(pieces=PIECES)
@settings(deadline=None)
def test_every_stream_is_read_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[tuple[int, bytes]]
) -> None:
    folder = tmp_path_factory.mktemp("log")
    write(folder, *pieces)

    assert read(folder) == b"".join(data for _, data in pieces)
    assert read(folder, "stdout") == b"".join(data for stream, data in pieces if stream == 1)
    assert read(folder, "stderr") == b"".join(data for stream, data in pieces if stream == 2)


def test_the_index_grows_with_changes_of_stream_only(tmp_path: Path) -> None:
    write(tmp_path, *[(1, b"x" * 1000)] * 50, (2, b"oops"), *[(1, b"y")] * 50)

    assert [line.split()[:2] for line in (tmp_path / INDEX).read_text().splitlines()] == [
        ["1", "0"],
        ["2", "50000"],
        ["1", "50004"],
    ]


def test_a_run_without_a_log_reads_as_nothing(tmp_path: Path) -> None:
    assert read(tmp_path) == b""
    assert read(tmp_path, "stderr") == b""
    assert output_log.tail(tmp_path, 5) == b""


def test_a_line_of_the_index_cut_by_a_crash_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, (1, b"out"), (2, b"err"))
    with (tmp_path / INDEX).open("a") as index:
        index.write("1 4")

    assert read(tmp_path, "stderr") == b"err"


def test_without_its_index_everything_counts_as_standard_output(tmp_path: Path) -> None:
    write(tmp_path, (1, b"out"), (2, b"err"))
    (tmp_path / INDEX).unlink()

    assert read(tmp_path, "stdout") == b"outerr"


@pytest.mark.parametrize("stream", ["all", "stderr"])
def test_following_shows_what_comes_and_ends_with_the_run(tmp_path: Path, stream: str) -> None:
    log = OutputLog(tmp_path)
    coming = [(2, b"first "), (1, b"elsewhere "), (2, b"second "), (2, b"last")]

    def is_running() -> bool:
        if coming:
            log.write(*coming.pop(0))
            return True
        return False

    shown = b"".join(output_log.read(tmp_path, stream, follow=True, is_running=is_running))
    log.close()

    assert shown == (b"first elsewhere second last" if stream == "all" else b"first second last")


def test_following_waits_for_a_log_that_is_not_there_yet(tmp_path: Path) -> None:
    turns = [True, True]

    def is_running() -> bool:
        if turns:
            return turns.pop()
        if not (tmp_path / LOG).exists():
            write(tmp_path, (1, b"late"))
        return False

    assert b"".join(output_log.read(tmp_path, follow=True, is_running=is_running)) == b"late"


@pytest.mark.parametrize(("lines", "expected"), [(0, b""), (1, b"three"), (2, b"two\nthree"), (9, b"one\ntwo\nthree")])
def test_the_tail_is_the_last_lines(tmp_path: Path, lines: int, expected: bytes) -> None:
    write(tmp_path, (1, b"one\ntwo\n"), (2, b"three"))

    assert output_log.tail(tmp_path, lines) == expected


def test_the_tail_of_one_stream_leaves_out_the_other(tmp_path: Path) -> None:
    write(tmp_path, (1, b"one\n"), (2, b"error\n"), (1, b"two\n"))

    assert output_log.tail(tmp_path, 2, "stdout") == b"one\ntwo\n"
    assert output_log.tail(tmp_path, 2, "stderr") == b"error\n"


def test_the_tail_of_an_endless_line_is_bounded(tmp_path: Path) -> None:
    write(tmp_path, *[(1, b"x" * 500_000)] * 6)

    assert len(output_log.tail(tmp_path, 3)) == 1 << 20


def test_a_new_log_begins_empty(tmp_path: Path) -> None:
    write(tmp_path, (2, b"old"))

    write(tmp_path, (1, b"new"))

    assert read(tmp_path, "stdout") == b"new"


def test_a_full_disk_ends_the_log_and_is_told_once(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this system")
    (tmp_path / LOG).symlink_to("/dev/full")

    log = write(tmp_path, (1, b"lost"), (1, b"lost too"))

    assert log.problem == "the output is not kept beyond byte 0: No space left on device"


@pytest.mark.parametrize("taken", [LOG, INDEX])
def test_a_log_that_cannot_be_made_is_an_error_that_names_the_folder(tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).mkdir()

    with pytest.raises(ServiceError, match="cannot write the log in"):
        OutputLog(tmp_path)


def test_of_a_long_line_its_beginning_and_end_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / output_log.LOG).write_text("short\n" + "a" * 50_000 + "z\n")
    first, second = output_log.last_lines(tmp_path, 2).splitlines()
    assert first == "short"
    assert second.startswith("aaa") and second.endswith("aaz") and len(second) < 3000
