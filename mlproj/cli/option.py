"""What an option of the command line is, apart from the library that reads it; and how plain command lines are read
without.

Importing click and making its objects takes a quarter of a short run. :func:`parse` reads what people and scripts
usually write, and says None to everything that it does not know for sure: help, mistakes, other ways to write the same.
Those are click's. Both read the same table, and a test holds that they agree.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from typing import Any

from mlproj.foundation import env_vars
from mlproj.foundation.dataclass import dataclass

_SECONDS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_BYTES = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}


@dataclass(frozen=True)
class Option:
    """An option: its names on the command line, and ``to``, the name of its value among the flags.

    ``stands_for`` is the value of an option that takes none, such as True; None for one that takes a value. ``default``
    is what would have to be written. ``read`` makes the value of what is written, and raises ValueError saying what it
    expects. ``without`` is the value of an option that may be written without one.
    ``is_file`` asks for a file. ``variable`` names the environment variable that counts where the option is not given.
    """

    names: tuple[str, ...]
    to: str
    help: str
    metavar: str | None = None
    stands_for: Any = None
    without: str | None = None
    default: Any = None
    choices: tuple[str, ...] = ()
    multiple: bool = False
    read: Callable[[str], Any] | None = None
    is_file: bool = False
    variable: str | None = None


def seconds(text: str) -> float:
    """``90``, ``90s``, ``15m``, ``2h`` or ``30d`` in seconds. Raises ValueError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w|)", text.strip(), re.ASCII)
    if not match:
        raise ValueError(f"{text!r} is no duration; expected one such as 90, 90s, 15m, 2h or 30d")
    return float(match[1]) * _SECONDS[match[2]]


def size(text: str) -> int:
    """``500``, ``100MB`` (10⁶ bytes) or ``1GiB`` (2³⁰) in bytes. Raises ValueError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]I?|)B?", text.strip().upper(), re.ASCII)
    if not match:
        raise ValueError(f"{text!r} is no size; expected one such as 500000, 100MB or 1GiB")
    return int(float(match[1]) * _BYTES[match[2]])


# Options that several commands share, so that they mean the same everywhere. ``-v`` belongs to ``--version`` of a
# project,
# as in MLflow; more detail is therefore only ``--verbose``.
JSON = Option(
    ("--json",), "as_json", "Print one JSON document on standard output, errors too.", stands_for=True, default=False
)
QUIET = Option(("-q", "--quiet"), "verbosity", "Print only warnings and errors.", stands_for=-1, default=0)
VERBOSE = Option(
    ("--verbose",),
    "verbosity",
    "Show every line of what is done. (-v is --version, as in MLflow.)",
    stands_for=1,
    default=0,
)
OFFLINE = Option(
    ("--offline",),
    "offline",
    "Never use the network; what is not here already is an error.",
    stands_for=True,
    default=False,
    variable=env_vars.OFFLINE.name,
)
JUNIT_XML = Option(
    ("--junit-xml",), "junit_xml", "Write what happened to FILE as JUnit XML, for CI.", metavar="FILE", is_file=True
)
SUMMARY = Option(
    ("--summary",),
    "summary",
    "Write what happened to FILE as Markdown; added to the file that GITHUB_STEP_SUMMARY names.",
    metavar="FILE",
    is_file=True,
)
REVISION = Option(
    ("-v", "--version"),
    "version",
    "Branch, tag or commit of a Git source. Default: the default branch.",
    metavar="REVISION",
)
STAND_IN = Option(
    ("--stand-in",),
    "stand_in",
    "Answer MLflow servers on this machine that the project names and nobody runs; always: also where clients"
    " cannot be told apart.",
    choices=("auto", "always"),
    default="auto",
)
NO_STAND_IN = Option(
    ("--no-stand-in",),
    "no_stand_in",
    "Do not answer for servers that the project names.",
    stands_for=True,
    default=False,
)


def parse(options: Sequence[Option], arguments: Sequence[str]) -> tuple[dict[str, Any], list[str]] | None:
    """The flags and the other words of a plain command line, None where that is left to click."""
    by_name = {name: option for option in options for name in option.names}
    given: dict[str, list[Any]] = {}
    words: list[str] = []
    rest = iter(arguments)
    try:
        for word in rest:
            if not word.startswith("-"):
                words.append(word)
                continue
            name, equals, text = word.partition("=")
            option = by_name[name]
            if option.without is not None and not equals:
                return None
            if equals and (option.stands_for is not None or not name.startswith("--")):
                return None
            value = _value(option, text if equals else next(rest)) if option.stands_for is None else option.stands_for
            given.setdefault(option.to, []).append(value)
        flags = {option.to: _flag(option, given.get(option.to)) for option in options}
    except (LookupError, ValueError, StopIteration):
        return None
    return flags, words


def _flag(option: Option, given: list[Any] | None) -> Any:
    if given is not None:
        return tuple(given) if option.multiple else given[-1]
    found = os.environ.get(option.variable) if option.variable else None
    if found:
        if option.stands_for is None:
            return _value(option, found)
        if found != "1":
            raise ValueError(found)  # click knows more words for yes and no
        return option.stands_for
    if option.multiple:
        return ()
    return option.read(option.default) if option.read and option.default is not None else option.default


def _value(option: Option, text: str) -> Any:
    """What *text* means for *option*. Raises ValueError for what is wrong or is left to click."""
    if text[:1] in ("", "-") or option.is_file or (option.choices and text not in option.choices):
        raise ValueError(text)
    return option.read(text) if option.read else text
