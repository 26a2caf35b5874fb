"""The one place where things that go wrong become words and an exit code.

A mistake is two or three lines; a bug is a file to paste into an issue; neither is a traceback on the terminal.
"""

from __future__ import annotations

import errno
import os
import select
import sys
from collections.abc import Callable
from typing import Any

from mlproj.cli import terminal
from mlproj.foundation.errors import Interrupted, MlprojError, Place, ServiceError, UsageError
from mlproj.foundation.redaction import redact

_READER_GONE = 128 + 13  # as a program that SIGPIPE ends


def guard(command: Callable[[list[str]], int], arguments: list[str]) -> int:
    """The exit code of *command* called with *arguments*; whatever it raises is shown on stderr (or as JSON on
    stdout)."""
    _open_closed_streams()
    try:
        code = _returned(command, arguments)
        sys.stdout.flush()
    except BaseException as error:
        code = _exit_code(error, arguments)
    _drop_unwritten()
    return code


def _returned(command: Callable[[list[str]], int], arguments: list[str]) -> int:
    """What *command* returns, or leaves with by :func:`sys.exit`."""
    try:
        return command(arguments)
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 0 if leaving.code is None else 1


def _open_closed_streams() -> None:
    """Python sets a stream to None that its parent closed (``>&-``); writing there shall go nowhere instead of
    failing."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115, PTH123  # open until the process ends


def _exit_code(error: BaseException, arguments: list[str]) -> int:
    import click

    as_json = wants_json(arguments)
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return tell(Interrupted(2), as_json)
    if isinstance(error, (MlprojError, Interrupted)):
        return tell(error, as_json)
    if isinstance(error, click.ClickException):
        if type(error).__name__ == "NoArgsIsHelpError" and not as_json:  # a class since click 8.2
            sys.stderr.write(f"{error.format_message()}\n")
            return error.exit_code
        return tell(_from_click(error), as_json)
    if isinstance(error, BrokenPipeError) and _reader_is_gone():
        return _READER_GONE
    if isinstance(error, OSError) and (unwritten := _unwritten(error)):
        return tell(unwritten, as_json)
    if isinstance(error, OSError):
        from mlproj.cli import machine_fault

        if fault := machine_fault.explain(error):
            return tell(fault, as_json)
    from mlproj.cli import bug_report

    return tell(bug_report.write(error, arguments), as_json)


def wants_json(arguments: list[str]) -> bool:
    """Whether ``--json`` is among the options; asked of the raw arguments because parsing them may be what failed."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "--json" in options


def tell(error: MlprojError | Interrupted, as_json: bool) -> int:
    """Print *error* for people on stderr, or as the error document on stdout; return its exit code."""
    try:
        if as_json:
            from mlproj.cli import output

            output.print_document({"error": describe(error)})
            sys.stdout.flush()
        else:
            sys.stderr.write(render(error))
            sys.stderr.flush()
    except BrokenPipeError:
        return _READER_GONE
    except OSError:  # such as a full disk
        return tell(error, as_json=False) if as_json else error.exit_code
    return error.exit_code


def _unwritten(error: OSError) -> ServiceError | None:
    """What to say when *error* is a standard output that cannot be written, or a disk that is full; None when it is
    neither."""
    try:
        sys.stdout.write("\n")  # after text or JSON it does no harm
        sys.stdout.flush()
    except OSError as failed:
        return ServiceError(f"the output could not be written: {failed.strerror or failed}")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ServiceError(
            f"a file could not be written: {error.strerror}", hint="mlproj doctor tells how much room is left"
        )
    return None


def describe(error: MlprojError | Interrupted) -> dict[str, Any]:
    """*error* as the ``error`` of a JSON document (schema 1); every key is always there."""
    place = error.place or Place("")
    return {
        "kind": error.kind,
        "message": error.message,
        "hint": error.hint,
        "file": place.file or None,
        "line": place.line,
        "column": place.column,
        "exit_code": error.exit_code,
    }


def render(error: MlprojError | Interrupted, level: str = "error") -> str:
    """*error* for people: what and where, the offending line with a caret, and what to do. *level*: error or
    warning."""
    stream = sys.stderr
    if isinstance(error, Interrupted):
        return f"{terminal.styled(str(error), stream, 'yellow')}\n"
    parts = [
        f"{terminal.styled(f'{level}:', stream, 'red' if level == 'error' else 'yellow', 'bold')} {_safe(str(error))}"
    ]
    if error.place and error.place.text is not None:
        parts += _excerpt(error.place)
    if error.hint:
        parts.append(f"{terminal.styled('hint:', stream, 'cyan', 'bold')} {_safe(error.hint)}")
    return "".join(f"{part}\n" for part in parts)


def _excerpt(place: Place) -> list[str]:
    """The offending line and, where the column is known, a caret under it; a long line is cut around the place."""
    text = redact(place.text or "").rstrip("\r\n")
    column = max((place.column or 1) - 1, 0)
    room = max(terminal.columns() - 4, 20)
    first = column - room // 2 if len(text) > room and column > room // 2 else 0
    shown = terminal.printable(text[first : first + room]).replace("\t", " ")
    if place.column is None:
        return [f"    {shown}"]
    return [f"    {shown}", "    " + " " * terminal.width_of(shown[: column - first]) + "^"]


def _safe(text: str) -> str:
    encoding = sys.stderr.encoding or "utf-8"
    return terminal.printable(redact(text)).encode(encoding, "backslashreplace").decode(encoding)


def _from_click(error: Any) -> MlprojError:
    """A usage error in our words: click's message, with the command whose help says more."""
    context = getattr(error, "ctx", None)
    message = error.format_message().strip()
    hint = f"{context.command_path} --help tells what it takes" if context else None
    parted = [one for one in (context.params.get("parameters") or () if context else ()) if "=" not in one]
    if parted and "extra argument" in message:
        hint = f"a value follows its name after =, as in -P {parted[0]}=VALUE"
    return UsageError(message[:1].lower() + message[1:].removesuffix("."), hint=hint)


def _reader_is_gone() -> bool:
    """Whether whoever read our stdout or stderr has left (``mlproj runs list | head``), as against a pipe of our
    own."""
    poll = select.poll()
    for stream in (sys.stdout, sys.stderr):
        try:
            poll.register(stream.fileno(), 0)
        except (OSError, ValueError):
            continue
    return any(events & (select.POLLERR | select.POLLHUP) for _descriptor, events in poll.poll(0))


def _drop_unwritten() -> None:
    """Let go of what a stream could not take: flushing it at exit, Python would complain and exit with 120."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
