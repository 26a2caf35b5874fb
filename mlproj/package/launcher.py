"""The program that an image of ``mlproj package --image`` begins with: it makes the command of an entry point, and runs
it.

It is no part of the program ``mlproj``: it is copied into images together with the modules that make commands for
``mlproj run`` (:mod:`mlproj.package.launcher_file`), and run there by the image's own Python, 3.6 or newer, which has
no packages of ours. So it may use the standard library and those modules only, and starts the command itself.
"""

from __future__ import annotations

import contextlib
import getopt
import json
import os
import shlex
import shutil
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from mlproj.foundation.errors import MlprojError, UsageError
from mlproj.foundation.redaction import redact
from mlproj.package import entry_points
from mlproj.projects.assignment import parse_assignments
from mlproj.projects.base import REQUIRED, Command, EntryPoint, Parameter, Project
from mlproj.projects.command import bind
from mlproj.projects.resolution import DEFAULT, resolve_entry_point

DATA, FILES = "image.json", "code"
"""Beside this program: what it goes by, and the project's folder."""

_HEARD = {signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCHLD}
_BY_KERNEL = 0x80  # SI_KERNEL of sigaction(2)
_NO_HOME = "/tmp"  # noqa: S108  # of the container: a number without a name has no home
_USAGE = """\
usage: docker run IMAGE [-e NAME] [-P NAME=VALUE]… [--dry-run]

  -e, --entry-point NAME    entry point, or a script's name; default: {default}
  -P, --param NAME=VALUE    a parameter's value; repeatable
      --dry-run             print the command instead of running it
  -h, --help                print this
"""


def main() -> int:
    """Do what the command line says. Returns the exit code; where nothing has to be watched this process becomes the
    command."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # which Python ignores, and so would what it starts
        signal.signal(number, signal.SIG_DFL)
    try:
        # Python 3.6 takes them for ASCII where no language is set.
        arguments = [os.fsencode(word).decode("utf-8", "surrogateescape") for word in sys.argv[1:]]
        return _main(Path(sys.argv[0]).absolute().parent, arguments)
    except MlprojError as error:
        _tell(f"error: {error}")
        if error.hint:
            _tell(f"hint: {error.hint}")
        return error.exit_code


def _main(folder: Path, arguments: Sequence[str]) -> int:
    data = json.loads((folder / DATA).read_text("utf-8"))
    flags = _flags(arguments)
    project = _project(data, folder / FILES)
    if flags["help"]:
        _write(sys.stdout, "\n".join(_help(project, data)))
        return 0
    command = _command(project, data, flags)
    for warning in command.warnings:
        _tell(f"warning: {warning}")
    text = data["begin"] + command.text
    if flags["dry_run"]:
        _write(sys.stdout, text)
        return 0
    os.chdir(str(project.directory))
    if not os.access(os.environ.get("HOME") or "", os.W_OK):
        os.environ["HOME"] = _NO_HOME
    shell = shutil.which("bash") or shutil.which("sh") or "/bin/sh"
    argv = [os.fsencode(shell), b"-c", text.encode("utf-8", "surrogateescape")]
    return _supervised(argv) if os.getpid() == 1 else _exec(argv)


def _flags(arguments: Sequence[str]) -> dict[str, Any]:
    """What the command line says. Raises UsageError."""
    try:
        options, words = getopt.gnu_getopt(
            list(arguments), "e:P:h", ["entry-point=", "param=", "param-list=", "dry-run", "help"]
        )
    except getopt.GetoptError as error:
        raise UsageError(str(error), hint="--help tells what it takes") from None
    if words:
        raise UsageError(
            f"{words[0]!r} is no option", hint="an entry point is chosen with -e, a parameter given with -P NAME=VALUE"
        )
    named = dict(options)
    return {
        "entry_point": named.get("-e", named.get("--entry-point")),
        "parameters": parse_assignments(value for name, value in options if name in ("-P", "--param", "--param-list")),
        "dry_run": "--dry-run" in named,
        "help": "-h" in named or "--help" in named,
    }


def _project(data: Mapping[str, Any], directory: Path) -> Project:
    points = [entry_points.read(document) for document in data["entry_points"]]
    file = directory / data["file"] if data["file"] else None
    return Project(
        directory, data["project"], file, {point.name: point for point in points}, description=data["description"]
    )


def _command(project: Project, data: Mapping[str, Any], flags: Mapping[str, Any]) -> Command:
    """The command, made as ``mlproj run`` makes it. Raises UsageError, InvalidProject."""
    point = resolve_entry_point(project, flags["entry_point"] or data["entry_point"])
    kept = data["parameters"] if point.name == data["entry_point"] else {}
    return bind(point, {**kept, **flags["parameters"]}, cwd=Path.cwd(), project_dir=project.directory, hashed=False)


def _exec(argv: list[bytes]) -> NoReturn:
    try:
        os.execv(argv[0], argv)  # noqa: S606  # in an image, where nothing else of ours could
    except OSError as error:
        _tell(f"error: the command cannot be started: {error.strerror}")
        os._exit(127)


def _supervised(argv: list[bytes]) -> int:
    """Run *argv* as the first process of a container has to: signals are handed on to all processes, whose parents may
    have ended.

    Without that a program which does not ask for a signal would not be ended by it, as the kernel spares the first
    process.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        _exec(argv)
    status, is_ending = None, False
    while True:
        received = signal.sigwaitinfo(_HEARD)
        if received.si_signo == signal.SIGCHLD:
            ended, others = _reaped()
            status = ended.get(child, status)
            # A shell ends at a signal at once, and what it started may still be putting things in order.
            if status is not None and not (is_ending and others):
                return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
            continue
        is_ending = is_ending or received.si_signo not in (signal.SIGUSR1, signal.SIGUSR2)
        if received.si_code != _BY_KERNEL:  # a terminal's Ctrl-C has reached all of them already
            _pass_on(received.si_signo)


def _reaped() -> tuple[dict[int, int], bool]:
    """The processes that have ended, with what they ended with, and whether there are others."""
    ended: dict[int, int] = {}
    with contextlib.suppress(ChildProcessError):
        while True:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process == 0:
                return ended, True
            ended[process] = status
    return ended, False


def _pass_on(number: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # the last one has just ended
        os.kill(-1, number)


def _help(project: Project, data: Mapping[str, Any]) -> Iterator[str]:
    name = data["entry_point"] or DEFAULT
    if project.name:
        yield f"{project.name}: {project.description}\n" if project.description else f"{project.name}\n"
    yield _USAGE.format(default=name)
    for point in project.entry_points.values():
        yield f"entry point {point.name}" + (f": {point.description}" if point.description else "")
        kept = data["parameters"] if point.name == data["entry_point"] else {}
        yield from _parameter_lines(point, kept)


def _parameter_lines(point: EntryPoint, kept: Mapping[str, str]) -> Iterator[str]:
    width = max((len(name) for name in point.parameters), default=0)
    for name, parameter in point.parameters.items():
        described = f": {parameter.description}" if parameter.description else ""
        yield f"  {name:<{width}}  {', '.join(_traits(parameter, kept))}{described}"


def _traits(parameter: Parameter, kept: Mapping[str, str]) -> Iterator[str]:
    yield parameter.type
    if parameter.name in kept:
        yield f"default {shlex.quote(kept[parameter.name])}"
    elif parameter.default is REQUIRED or parameter.default is None:
        yield "required" if parameter.default is REQUIRED and not parameter.optional else "optional"
    else:
        yield f"default {shlex.quote(parameter.default)}"
    if parameter.choices:
        yield "one of " + ", ".join(parameter.choices)
    if parameter.minimum is not None:
        yield f"at least {parameter.minimum:g}"
    if parameter.maximum is not None:
        yield f"at most {parameter.maximum:g}"


def _tell(text: str) -> None:
    _write(sys.stderr, redact(text))


def _write(stream: Any, text: str) -> None:
    """A line, whatever the language settings of the image are."""
    stream.flush()
    stream.buffer.write(text.encode("utf-8", "surrogateescape") + b"\n")
    stream.buffer.flush()
