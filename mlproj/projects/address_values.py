"""What texts an expression of Python may stand for, as far as they are written down somewhere in the project."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import product

from mlproj.projects import python_facts
from mlproj.projects.address_text import GENERIC
from mlproj.projects.python_facts import Code, Fact, Key
from mlproj.projects.setting_lines import Setting

Texts = list[tuple[str, int]]
"""Texts, each with the line of the piece of code that has it."""

_MOST = 16  # texts of one expression


class Values:
    """What names and expressions of *codes* (by file) stand for, with *settings* that programs read."""

    def __init__(
        self, codes: list[tuple[str, Code]], functions: dict[str, list[tuple[str, list[str]]]], settings: list[Setting]
    ) -> None:
        self.facts: dict[Key, list[tuple[Fact, Code]]] = {}
        for path, code in codes:
            for fact in python_facts.facts(code.nodes, path, functions):
                self.facts.setdefault(fact.key, []).append((fact, code))
        self._known: dict[Key, list[str]] = {}
        self._settings: dict[Key, list[str]] = {}
        for each in settings:
            *outer, name = each.path
            self._settings.setdefault(f"{outer[-1]}.{name}" if name in GENERIC and outer else name, []).append(
                each.value
            )

    def keys(self, node: ast.expr, file: str) -> Iterator[Key]:
        """The names whose values an expression may be."""
        key = python_facts.key_of(node, file)
        if key is not None:
            yield key
            return
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute):  # text.rstrip("/")
                yield from self.keys(node.func.value, file)
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str) and len(node.args) <= 2:
                yield python_facts.named(first.value, file)  # config.get("name")
        for inner in _parts(node):
            yield from self.keys(inner, file)

    def texts(self, node: ast.expr, file: str, *, follow: bool = False) -> Texts:
        """The texts that an expression may be; those of names (*follow*) only where they are put together with
        others."""
        if isinstance(node, ast.Constant):
            return [(str(node.value), node.lineno)] if isinstance(node.value, (str, int)) else []
        if (pieces := _pieces(node)) is not None:
            return self._joined(node, pieces, file)
        if follow and (key := python_facts.key_of(node, file)) is not None:
            return [(text, node.lineno) for text in self._of_key(key)]
        found = [each for inner in _parts(node) for each in self.texts(inner, file, follow=follow)]
        if follow and isinstance(node, ast.Call):  # config.get("host")
            found += [(text, node.lineno) for key in self.keys(node, file) for text in self._settings.get(key, ())]
        return found[:_MOST]

    def _of_key(self, key: Key) -> list[str]:
        """The texts that a name may stand for, found once; of a name that leads back to itself none."""
        if key not in self._known:
            self._known[key] = []
            found = (
                text
                for fact, _ in self.facts.get(key, ())[:_MOST]
                for text, _ in self.texts(fact.value, fact.file, follow=True)
            )
            self._known[key] = [*found, *self._settings.get(key, ())][:_MOST]
        return self._known[key]

    def _joined(self, node: ast.expr, pieces: list[ast.expr], file: str) -> Texts:
        choices = [[text for text, _ in self.texts(piece, file, follow=True)][:4] for piece in pieces]
        if not all(choices):
            return []
        joined = ["".join(each) for _, each in zip(range(_MOST), product(*choices), strict=False)]
        return [(text, node.lineno) for text in joined]


def _parts(node: ast.expr) -> list[ast.expr]:
    """The expressions that the value of one may come from."""
    if isinstance(node, ast.BoolOp):
        return node.values
    if isinstance(node, ast.IfExp):
        return [node.body, node.orelse]
    if isinstance(node, ast.Call):
        words = [word.value for word in node.keywords if word.arg in (None, "default", "value")]
        receiver = (
            [node.func.value]
            if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, (ast.Constant, ast.BinOp))
            else []
        )
        return [*node.args, *words, *receiver]
    if isinstance(node, ast.NamedExpr):
        return [node.value]
    if isinstance(node, (ast.JoinedStr, ast.FormattedValue, ast.BinOp)):
        return [each for each in ast.iter_child_nodes(node) if isinstance(each, ast.expr)]
    return []


def _pieces(node: ast.expr) -> list[ast.expr] | None:
    """What a text is put together from, in order; None when it is not."""
    if isinstance(node, ast.JoinedStr):
        return [each.value if isinstance(each, ast.FormattedValue) else each for each in node.values]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        is_sum = any(isinstance(each, ast.Constant) and isinstance(each.value, int) for each in (node.left, node.right))
        return None if is_sum else [node.left, node.right]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) and isinstance(node.left, ast.Constant):
        given = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
        return _filled(node.left, ("%s", "%d"), given)
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "format"
        and not node.keywords
    ):
        return _filled(node.func.value, ("{}", "{0}", "{1}"), node.args)
    return None


def _filled(template: ast.expr, marks: tuple[str, ...], given: list[ast.expr]) -> list[ast.expr] | None:
    """The pieces of a text whose *marks* stand for what is *given*, in order."""
    if not isinstance(template, ast.Constant) or not isinstance(template.value, str):
        return None
    text = template.value
    for mark in marks:
        text = text.replace(mark, "\0")
    parts = text.split("\0")
    if len(parts) != len(given) + 1:
        return None
    pieces: list[ast.expr] = [ast.copy_location(ast.Constant(parts[0]), template)]
    for value, part in zip(given, parts[1:], strict=True):
        pieces += [value, ast.copy_location(ast.Constant(part), template)]
    return pieces
