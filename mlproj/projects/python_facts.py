"""What Python code says of names: which values they are given, and what is handed to MLflow as a server's address."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from typing import NamedTuple

from mlproj.projects.address_text import GENERIC, normal

_SETTERS = frozenset({"set_tracking_uri", "set_registry_uri", "_set_tracking_uri"})
_CLIENTS = frozenset({"MlflowClient", "MLflowClient", "TrackingServiceClient", "RestStore"})
_OPTIONS = frozenset({"add_argument", "option", "argument", "DEFINE_string", "add_option"})
_READERS = frozenset(
    {
        "getenv",
        "get",
        "setdefault",
        "putenv",
        "env",
        "config",
        "environ",
        "str",
        "getattr",
        "Field",
        "Option",
        "Variable",
    }
)
_HOLDERS = frozenset(
    {"self", "cls", "args", "opt", "opts", "options", "flags", "arguments", "parsed_args", "namespace"}
)

Key = str
"""A name as it is compared: ``tracking_uri``; ``mlflow.uri`` for a general one that is part of something;
``file.py:uri`` for a variable of a general name, which means the same in its file only."""


class Fact(NamedTuple):
    """That a name may stand for the value of an expression in *file*."""

    key: Key
    value: ast.expr
    file: str


class Code(NamedTuple):
    """A piece of a file that was parsed: all its nodes; *lines* are the file's lines that its own are, from 1."""

    nodes: list[ast.AST]
    lines: list[int]


def parsed(text: str) -> Code | None:
    """A module, None when this Python cannot read it."""
    try:
        return Code(list(ast.walk(ast.parse(text))), list(range(text.count("\n") + 2)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def cells(text: str) -> Iterator[Code]:
    """The code cells of a notebook that can be read; lines of IPython's own (``%``, ``!``) are left out."""
    try:
        found = json.loads(text).get("cells", [])
        sources = ["".join(cell["source"]) for cell in found if cell.get("cell_type") == "code"]
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError):
        return
    written, at = text.splitlines(), 0
    for source in sources:
        lines = [1]
        for line in source.splitlines():
            wanted = json.dumps(line, ensure_ascii=False)[1:-1]
            at = next((number for number in range(at, len(written)) if wanted in written[number]), at)
            lines.append(at + 1)
        code = parsed(
            "\n".join("pass" if line.lstrip().startswith(("%", "!", "?")) else line for line in source.splitlines())
        )
        if code:
            yield Code(code.nodes, [*lines, lines[-1]])


def key_of(node: ast.expr, file: str) -> Key | None:
    """What the value of *node* is called; None for what has no name."""
    if isinstance(node, ast.Name):
        return named(node.id, file)
    if isinstance(node, ast.Attribute):
        return _part(node.attr, node.value, file)
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        return _part(node.slice.value, node.value, file)
    return None


def named(name: str, file: str) -> Key:
    """The key of a variable."""
    return f"{file}:{normal(name)}" if normal(name) in GENERIC else normal(name)


def _part(name: str, of: ast.expr, file: str) -> Key:
    name = normal(name)
    if name not in GENERIC:
        return name
    outer = of.id if isinstance(of, ast.Name) else of.attr if isinstance(of, ast.Attribute) else None
    if isinstance(of, ast.Subscript) and isinstance(of.slice, ast.Constant):
        outer = str(of.slice.value)
    return f"{file}:{name}" if outer is None or outer in _HOLDERS else f"{normal(outer)}.{name}"


def handed_to_mlflow(nodes: list[ast.AST]) -> Iterator[ast.expr]:
    """The expressions that MLflow's own functions are given as addresses."""
    for node in nodes:
        if isinstance(node, ast.Call) and (called := last_name(node.func)) in _SETTERS | _CLIENTS:
            yield from node.args[: 2 if called in _CLIENTS else 1]
            yield from (word.value for word in node.keywords if word.arg in ("uri", "tracking_uri", "registry_uri"))


def last_name(node: ast.expr) -> str:
    """``run`` of ``subprocess.run``; empty for what has no name."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def facts(nodes: list[ast.AST], file: str, functions: dict[str, list[tuple[str, list[str]]]]) -> Iterator[Fact]:
    """All facts about the names in a module; *functions* are the parameters of the project's functions, by name."""
    for node in nodes:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                yield from _assigned(target, node.value, file)
        elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
            yield from _assigned(node.target, node.value, file)
        elif isinstance(node, ast.Dict):
            yield from _entries(node, file, "")
        elif isinstance(node, ast.ClassDef):
            yield from _fields(node, file)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from _defaults(node, file)
            yield from _returned(node, file)
        elif isinstance(node, ast.Call):
            yield from _handed(node, file, functions)


def _assigned(target: ast.expr, value: ast.expr, file: str) -> Iterator[Fact]:
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for each, its in zip(target.elts, value.elts, strict=False):
            yield from _assigned(each, its, file)
    elif (key := key_of(target, file)) is not None:
        yield Fact(key, value, file)
        if isinstance(value, ast.Dict):
            yield from _entries(value, file, last_name(target))


def _entries(node: ast.Dict, file: str, outer: str) -> Iterator[Fact]:
    for name, value in zip(node.keys, node.values, strict=True):
        if isinstance(name, ast.Constant) and isinstance(name.value, str):
            word = normal(name.value)
            yield Fact(f"{normal(outer)}.{word}" if word in GENERIC else word, value, file)
            if isinstance(value, ast.Dict):
                yield from _entries(value, file, name.value)


def _fields(node: ast.ClassDef, file: str) -> Iterator[Fact]:
    for each in node.body:
        target = (
            each.targets[0]
            if isinstance(each, ast.Assign)
            else each.target
            if isinstance(each, ast.AnnAssign)
            else None
        )
        value = each.value if isinstance(each, (ast.Assign, ast.AnnAssign)) else None
        if isinstance(target, ast.Name) and value is not None and normal(target.id) in GENERIC:
            yield Fact(f"{normal(node.name)}.{normal(target.id)}", value, file)


def _defaults(node: ast.FunctionDef | ast.AsyncFunctionDef, file: str) -> Iterator[Fact]:
    given = [*node.args.posonlyargs, *node.args.args]
    late = given[len(given) - len(node.args.defaults) :]
    pairs = [
        *zip(late, node.args.defaults, strict=True),
        *zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True),
    ]
    for argument, value in pairs:
        if value is not None:
            yield Fact(named(argument.arg, file), value, file)


def _returned(node: ast.FunctionDef | ast.AsyncFunctionDef, file: str) -> Iterator[Fact]:
    """What calling a function, or asking for a property, may give."""
    for each in ast.walk(node):
        if isinstance(each, ast.Return) and each.value is not None:
            yield Fact(named(node.name, file), each.value, file)


def _handed(node: ast.Call, file: str, functions: dict[str, list[tuple[str, list[str]]]]) -> Iterator[Fact]:
    called = last_name(node.func)
    words = {word.arg: word.value for word in node.keywords if word.arg}
    texts = [each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    if called in _OPTIONS and texts:
        value = words.get("default") or (node.args[1] if called == "DEFINE_string" and len(node.args) > 1 else None)
        if value is not None:
            yield from (Fact(named(text, file), value, file) for text in texts if len(text) > 2)
    elif called in _READERS and texts and len(node.args) > 1:
        yield Fact(named(texts[0], file), node.args[1], file)
    yield from (Fact(named(name, file), value, file) for name, value in words.items())
    for where, parameters in functions.get(called, ()):
        yield from (Fact(named(name, where), value, file) for name, value in zip(parameters, node.args, strict=False))
        yield from (Fact(named(name, where), value, file) for name, value in words.items() if name in parameters)


def parameters(nodes: list[ast.AST]) -> Iterator[tuple[str, list[str]]]:
    """The functions that a module has, each with the names of its parameters; a class is called with those of its
    ``__init__``."""
    for node in nodes:
        inside = node.body if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) else []
        for each in inside:
            if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)):
                names = [argument.arg for argument in (*each.args.posonlyargs, *each.args.args)]
                names = names[1:] if names[:1] in (["self"], ["cls"]) else names
                yield (node.name if each.name == "__init__" and isinstance(node, ast.ClassDef) else each.name), names
