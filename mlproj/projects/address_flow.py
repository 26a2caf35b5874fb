"""From what is handed to MLflow as an address back to where the project's files write it down.

Names are followed, not programs: a name that reaches ``set_tracking_uri`` somewhere stands for all values that it is
given anywhere (a general one, such as ``uri``, in its own file only). That finds a constant in another module, a
default of an option, a key of a configuration file; what a program computes otherwise is not found.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import PurePosixPath
from typing import NamedTuple

from mlproj.projects import python_facts, setting_lines
from mlproj.projects.address_text import GENERIC, Url, is_ours, urls
from mlproj.projects.address_values import Texts, Values
from mlproj.projects.python_facts import Code, Key
from mlproj.projects.server_address import ServerAddress
from mlproj.projects.setting_lines import Setting

_MOST_CODE = 1 << 19  # characters of programs that are parsed
_TELLING = ("localhost", "127.0.0.1", "0.0.0.0", "[::", "tracking_uri", "registry_uri", "lflowClient")  # noqa: S104  # looked for
_MOST_ADDRESSES = 50
_CALLS = frozenset(
    {"set_tracking_uri", "set_registry_uri", "mlflow_set_tracking_uri", "mlflow_set_registry_uri", "mlflowclient"}
)


class _Written(NamedTuple):
    """A setting of the file, or of the environment or the command, that has it."""

    file: str
    setting: Setting


def addresses(contents: Mapping[str, bytes], command: str, variables: Mapping[str, str]) -> tuple[ServerAddress, ...]:
    """The addresses that *contents* (files by path), a *command* and *variables* name, in order."""
    texts = {path: data.decode("utf-8", "replace") for path, data in contents.items()}
    programs = {path: text for path, text in texts.items() if path.endswith((".py", ".ipynb"))}
    codes = list(_codes(programs))
    read = {path for path, _code in codes} | {path for path, text in programs.items() if not _may_name_server(text)}
    written = [
        _Written(path, each) for path, text in texts.items() if path not in read for each in _settings(path, text)
    ]
    written += [_Written("", each) for each in setting_lines.settings(command)]
    written += [_Written("$" + name, Setting((name.lower(),), value, 0)) for name, value in variables.items()]
    flow = _Flow(codes, written)
    found = {*_of_settings(written, flow.reached), *flow.found()}
    return tuple(sorted(found, key=lambda each: (each.file == "", each.file, each.line or 0, each.port)))[
        :_MOST_ADDRESSES
    ]


def _may_name_server(text: str) -> bool:
    return any(word in text for word in _TELLING)


def _codes(programs: Mapping[str, str]) -> Iterator[tuple[str, Code]]:
    room = _MOST_CODE
    for path, text in programs.items():
        if not _may_name_server(text) or len(text) > room:
            continue
        room -= len(text) if path.endswith(".py") else 0
        if path.endswith(".py") and (code := python_facts.parsed(text)):
            yield path, code
        elif path.endswith(".ipynb"):
            yield from ((path, code) for code in python_facts.cells(text))


def _settings(path: str, text: str) -> Iterator[Setting]:
    """The settings of a file; of a program that could not be parsed only what calls MLflow in so many words."""
    stem = PurePosixPath(path).stem
    if path.lower().endswith((".py", ".ipynb", ".r", ".rmd")):
        yield from (each for each in setting_lines.settings(text) if each.path[-1] in _CALLS or is_ours(each.path[-1]))
    else:
        yield from setting_lines.settings(text, "" if stem.startswith(".") else stem)


class _Flow:
    """Which names reach MLflow, and what they stand for."""

    def __init__(self, codes: list[tuple[str, Code]], written: list[_Written]) -> None:
        functions: dict[str, list[tuple[str, list[str]]]] = {}
        for path, code in codes:
            for name, parameters in python_facts.parameters(code.nodes):
                functions.setdefault(name, []).append((path, parameters))
        self._values = Values(codes, functions, [each.setting for each in written])
        self._codes = codes
        self.reached: set[Key] = set()
        self._ends: list[tuple[ast.expr, str, Code]] = []
        self._follow()

    def _follow(self) -> None:
        """Find all expressions that reach MLflow: those that it is handed, and those of the names in them, and so
        on."""
        for path, code in self._codes:
            self._ends += [(node, path, code) for node in python_facts.handed_to_mlflow(code.nodes)]
        for key in list(self._values.facts):
            if is_ours(*key.rpartition(":")[2].split(".")):
                self._reach(key)
        for node, path, _code in self._ends:  # grows while it is read
            with suppress(RecursionError):  # an expression of a thousand parts
                for key in self._values.keys(node, path):
                    self._reach(key)

    def _reach(self, key: Key) -> None:
        if key not in self.reached:
            self.reached.add(key)
            self._ends += [(fact.value, fact.file, code) for fact, code in self._values.facts.get(key, ())]

    def found(self) -> Iterator[ServerAddress]:
        """The addresses that are in the expressions that reach MLflow."""
        for node, file, code in self._ends:
            texts: Texts = []
            with suppress(RecursionError):
                texts = self._values.texts(node, file)
            for text, line in texts:
                for url in urls(text):
                    yield _address(url, file, code.lines[line] if line < len(code.lines) else None)


def _of_settings(written: list[_Written], reached: set[Key]) -> Iterator[ServerAddress]:
    for file, setting in written:
        if is_ours(*setting.path) or setting.path[-1] in _CALLS or not reached.isdisjoint(_keys(file, setting)):
            for url in urls(setting.value):
                yield _address(url, file, setting.line if file and not file.startswith("$") else None)


def _address(url: Url, file: str, line: int | None) -> ServerAddress:
    return ServerAddress(url.host, url.port, file, line, url.scheme)


def _keys(file: str, setting: Setting) -> set[Key]:
    """What programs may call a setting."""
    *outer, name = setting.path
    if name not in GENERIC:
        return {name}
    return {f"{outer[-1]}.{name}"} if outer else {f"{file}:{name}"}
