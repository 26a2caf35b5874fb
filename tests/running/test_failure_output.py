"""What of a long output tells why a program failed."""

from __future__ import annotations

from pathlib import Path

from mlproj.running import failure_output
from tests.program import mlproj, project

_TRACE = 'Traceback (most recent call last):\n  File "t.py", line 1, in <module>\n    load()\n    ^^^^^^\n'


def _with_much_after(text: str) -> str:
    return text + "".join(f"closing {number}\n" for number in range(60))


def test_an_exception_is_found_above_what_was_said_after_it() -> None:
    last, earlier = failure_output.telling(_with_much_after(f"epoch 1\n{_TRACE}KeyError: 'x'\n"))

    assert last.splitlines()[0] == "closing 20"
    assert earlier.splitlines()[0] == "KeyError: 'x'"


def test_a_prefix_of_every_line_is_no_part_of_an_exception() -> None:
    trace = "".join(f"[rank0]: {line}\n" for line in [*_TRACE.splitlines(), "KeyError: 'x'"])

    assert failure_output.telling(_with_much_after(trace))[1].splitlines()[0] == "KeyError: 'x'"


def test_the_latest_of_several_exceptions_comes_first() -> None:
    output = _with_much_after(f"{_TRACE}KeyError: 'cause'\n\nDuring handling\n\n{_TRACE}ValueError: result\n")

    assert [part.splitlines()[0] for part in failure_output.telling(output)[1:]] == [
        "ValueError: result",
        "KeyError: 'cause'",
    ]


def test_colours_are_left_out() -> None:
    assert failure_output.telling("\x1b[1;31mKeyError\x1b[0m: 'x'") == ["KeyError: 'x'"]


def test_short_output_is_read_once_and_a_traceback_without_an_end_is_no_fault() -> None:
    assert failure_output.telling(f"{_TRACE}KeyError: 'x'\n") == [f"{_TRACE}KeyError: 'x'"]
    assert failure_output.telling("") == [""]
    assert failure_output.telling(_TRACE + "  more\n" * 60)[1] == ""


def test_a_run_says_why_it_failed_although_much_was_printed_afterwards(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", "entry_points: {main: {command: python t.py}}\n")
    (folder / "t.py").write_text(
        "import atexit\natexit.register(lambda: print('bye\\n' * 99))\nopen(__file__[:-4] + 'wine.csv')\n"
    )

    result = mlproj("run", folder, "--env-manager", "local")

    assert result.code == 1
    last = [line for line in result.err.splitlines() if line.startswith("warning: run ")][-1]
    assert last.endswith(": it reads wine.csv, which is not there (the project's fault)")
