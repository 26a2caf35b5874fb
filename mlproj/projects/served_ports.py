"""Ports that a project's own programs listen at: an address of theirs is not to be taken from them.

Only what the command can reach is looked at: the files that it names, and the modules of the project that those import.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath

from mlproj.foundation.errors import Place
from mlproj.projects import python_facts, server_addresses

_STARTERS = frozenset(
    {
        "Popen",
        "run",
        "call",
        "check_call",
        "check_output",
        "system",
        "popen",
        "getoutput",
        "getstatusoutput",
        "spawn",
        "Process",
    }
    | {"create_subprocess_exec", "create_subprocess_shell", "execvp", "execv", "execlp", "execl", "spawnlp", "spawnvp"}
)
_SERVERS = frozenset(
    {
        "run",
        "serve",
        "HTTPServer",
        "ThreadingHTTPServer",
        "TCPServer",
        "ThreadingTCPServer",
        "bind",
        "launch",
        "run_app",
        "run_simple",
    }
    | {"create_server", "start_server", "start_http_server", "make_server", "listen", "Config", "WSGIServer"}
)
_MLFLOW = re.compile(r"\bmlflow[\"',\s]+(?:server|ui|models[\"',\s]+serve)\b")
_OTHER = re.compile(
    r"\b(?:uvicorn|gunicorn|waitress-serve|flask\s+run|http\.server|streamlit\s+run|hypercorn|bentoml\s+serve)\b"
)
_PORT = re.compile(r"(?:--port|-p|--bind|-b|:|http\.server)[\"',\s=:]*(?:[\w.]*:)?[\"']?(\d{2,5})\b")
_USUAL = 5000  # of MLflow's server and of Flask
_MOST_FILES = 60
_PATIENCE = 400  # characters of a command after the server's name


def served(root: Path, command: str, ports: Collection[int]) -> dict[int, str]:
    """Those of *ports* that a program of the project below *root* listens at when *command* is run, and where that is
    written."""
    found: dict[int, str] = {}
    for path, text in _reached(root, command):
        pairs = _in_python(text) if path.endswith(".py") else _in_shell(text)
        for port, line in pairs:
            for each in ports if port is None else [port] if port in ports else []:
                found.setdefault(each, str(Place(path, line)) if path else "the command")
    return found


def _reached(root: Path, command: str) -> Iterator[tuple[str, str]]:
    """What the command can start: itself, and the files of the project, by path."""
    yield "", command
    there = list(server_addresses.files(root))
    waiting = [
        path
        for path in there
        if path in command or PurePosixPath(path).name in command or _module(path) in command.split()
    ]
    modules = {_module(path): path for path in there if path.endswith(".py")}
    for count, path in enumerate(waiting):  # grows while it is read
        if count >= _MOST_FILES:
            return
        try:
            text = (root / path).read_text("utf-8", "replace")
        except (OSError, ValueError):
            continue
        yield path, text
        waiting += [modules[name] for name in _imported(text, path, modules) if modules[name] not in waiting]


def _module(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _imported(text: str, path: str, modules: Collection[str]) -> list[str]:
    code = python_facts.parsed(text) if path.endswith(".py") else None
    names: list[str] = []
    for node in code.nodes if code else ():
        if isinstance(node, ast.Import):
            names += [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [
                node.module or "",
                *(f"{node.module}.{each.name}" if node.module else each.name for each in node.names),
            ]
    beside = _module(path).rpartition(".")[0]
    return [module for name in names for module in (name, f"{beside}.{name}") if name and module in modules]


def _in_shell(text: str) -> Iterator[tuple[int | None, int]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not re.match(r"\s*(#|@?echo\b|printf\b)", line):
            yield from ((port, number) for port in _ports(line))


def _ports(words: str) -> Iterator[int | None]:
    """The ports at which a command line listens; None where it says one that cannot be read."""
    for pattern in (_MLFLOW, _OTHER):
        if start := pattern.search(words):
            rest = words[start.start() : start.end() + _PATIENCE]
            read = _PORT.findall(rest)
            if read:
                yield from map(int, read)
            elif "port" in rest or " -p" in rest:
                yield None
            elif pattern is _MLFLOW or "flask" in start[0]:
                yield _USUAL


def _in_python(text: str) -> Iterator[tuple[int | None, int]]:
    code = python_facts.parsed(text)
    if code is None:
        return
    lists = {
        target.id: node.value
        for node in code.nodes
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in code.nodes:
        if isinstance(node, ast.Call):
            called = python_facts.last_name(node.func)
            if called in _STARTERS:
                yield from ((port, node.lineno) for port in _ports(_words(node, lists)))
            if called in _SERVERS:
                yield from ((port, node.lineno) for port in _listened(node))


def _words(node: ast.Call, lists: dict[str, ast.expr]) -> str:
    """The texts in the arguments of a call that starts a program; what is computed is a question mark."""
    given = [lists.get(each.id, each) if isinstance(each, ast.Name) else each for each in node.args]
    words: list[str] = []
    for argument in given:
        for each in argument.elts if isinstance(argument, (ast.List, ast.Tuple)) else [argument]:
            parts = [
                part.value
                for part in ast.walk(each)
                if isinstance(part, ast.Constant) and isinstance(part.value, (str, int))
            ]
            words.append("".join(map(str, parts)) or "?")
    return " ".join(words)


def _listened(node: ast.Call) -> Iterator[int | None]:
    words = {word.arg: word.value for word in node.keywords}
    named = next((words[name] for name in ("port", "server_port") if name in words), None)
    numbers = [each.value for each in node.args if isinstance(each, ast.Constant)]
    pairs = [each.elts[1] for each in node.args if isinstance(each, ast.Tuple) and len(each.elts) == 2]
    for value in (named, *pairs):
        if isinstance(value, ast.Constant) and isinstance(value.value, int):
            yield value.value
    yield from (number for number in numbers if isinstance(number, int) and not isinstance(number, bool))
    owner = node.func.value if isinstance(node.func, ast.Attribute) else None
    if not node.args and named is None and isinstance(owner, ast.Name) and owner.id in ("app", "application", "server"):
        yield _USUAL
