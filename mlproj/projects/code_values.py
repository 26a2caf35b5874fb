"""Names and plain values in Python's syntax trees: what a call is of, and which text it is given."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Iterator


def imported(tree: ast.Module) -> dict[str, str]:
    """The full names of what the module imports, by the names that it gives them."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
    return names


def constants(tree: ast.Module) -> dict[str, ast.expr]:
    """The values of names that the module assigns exactly once, anywhere."""
    found: dict[str, ast.expr] = {}
    repeated = set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            repeated.update([name] if name in found else [])
            found[name] = node.value
    return {name: value for name, value in found.items() if name not in repeated}


def dotted(node: ast.expr, names: dict[str, str]) -> str:
    """``a.b.c`` for what a call is of, imported names in full; ``Path.open`` for a method of a new ``Path``; else the
    last name."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        parts.append(names.get(node.id, node.id))
    elif isinstance(node, ast.Call) or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)):
        parts.append("Path")
    return ".".join(reversed(parts))


def prefixes(name: str) -> Iterator[str]:
    """*name* and what it is in: ``a.b.c``, ``a.b``, ``a``."""
    while name:
        yield name
        name = name.rpartition(".")[0]


def path_of(call: ast.Call, known: dict[str, ast.expr]) -> str | None:
    """The path that *call* is given first, or that it is a method of (``Path("a").open()``); None when it is not
    written out."""
    if isinstance(call.func, ast.Attribute) and call.func.attr in (
        "open",
        "read_text",
        "read_bytes",
        "write_text",
        "write_bytes",
    ):
        of_path = _text(call.func.value, known, 0)
        if of_path is not None:
            return of_path
    return _text(call.args[0], known, 0) if call.args else None


def texts(call: ast.Call, known: dict[str, ast.expr]) -> list[str]:
    """The texts among all arguments of *call*."""
    given = (_text(node, known, 0) for node in (*call.args, *(keyword.value for keyword in call.keywords)))
    return [text for text in given if text is not None]


def mode(call: ast.Call) -> str:
    """How ``open`` is called: ``r`` where nothing says."""
    place = 0 if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, (ast.Call, ast.BinOp)) else 1
    named = next((keyword.value for keyword in call.keywords if keyword.arg == "mode"), None)
    given = named or (call.args[place] if len(call.args) > place else None)
    return given.value if isinstance(given, ast.Constant) and isinstance(given.value, str) else "r"


def _text(node: ast.expr, known: dict[str, ast.expr], depth: int) -> str | None:
    """A text that is written out: itself, joined as a path, or under a name."""
    if depth > 10:
        return None
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.Name) and node.id in known:
        return _text(known[node.id], known, depth + 1)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        return _joined([node.left, node.right], known, depth)
    if (
        isinstance(node, ast.Call)
        and dotted(node.func, {}).rpartition(".")[2] in ("Path", "join")
        and not node.keywords
    ):
        is_join = isinstance(node.func, ast.Attribute) and node.func.attr == "join"
        if is_join and not (isinstance(node.func, ast.Attribute) and dotted(node.func.value, {}).endswith("path")):
            return None
        return _joined(node.args, known, depth)
    return None


def _joined(nodes: list[ast.expr], known: dict[str, ast.expr], depth: int) -> str | None:
    parts = [_text(node, known, depth + 1) for node in nodes]
    return posixpath.join(*filter(None, parts)) if parts and None not in parts and any(parts) else None
