"""What texts an expression of Python may stand for, as far as they are written down somewhere in the project."""

from __future__ import annotations

import ast
import operator
import re
import string
from collections.abc import Callable, Iterator
from itertools import product

from mlproj.projects import python_facts
from mlproj.projects.address_text import GENERIC
from mlproj.projects.python_facts import Code, Fact, Key
from mlproj.projects.setting_lines import Setting

Texts = list[tuple[str, int]]
"""Texts, each with the line of the piece of code that has it."""

_MOST = 16  # texts of one expression
_LONGEST = 2000  # characters of a text that may hold an address; one may be twice another, and that twice …
_WHOLE = re.compile(r"[0-9]{1,9}")
_OPERATORS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
}


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
            if (called := python_facts.key_of(node.func, file)) is not None:
                yield called  # what a function of the project returns
        for inner in _parts(node):
            yield from self.keys(inner, file)

    def texts(self, node: ast.expr, file: str, *, follow: bool = False) -> Texts:
        """The texts that an expression may be; those of names (*follow*) only where they are put together with
        others."""
        if isinstance(node, ast.Constant):
            return [(str(node.value), node.lineno)] if isinstance(node.value, (str, int)) else []
        if isinstance(node, ast.BinOp) and (numbers := self._numbers(node, file)):
            return [(str(number), node.lineno) for number in numbers]
        if (pieces := _pieces(node)) is not None:
            return self._joined(node, pieces, file)
        if follow and (key := python_facts.key_of(node, file)) is not None:
            return [(text, node.lineno) for text in self._of_key(key)]
        found = [each for inner in _parts(node) for each in self.texts(inner, file, follow=follow)]
        if follow and isinstance(node, ast.Call):  # config.get("host")
            found += [(text, node.lineno) for key in self.keys(node, file) for text in self._settings.get(key, ())]
            called = python_facts.key_of(node.func, file)
            found += [(text, node.lineno) for text in (self._of_key(called) if called is not None else ())]
        return found[:_MOST]

    def _numbers(self, node: ast.expr, file: str) -> list[int]:
        """The whole numbers that an expression of them may come to; none for any other."""
        if isinstance(node, ast.Constant):
            return [node.value] if isinstance(node.value, int) and not isinstance(node.value, bool) else []
        if not isinstance(node, ast.BinOp):
            return [int(text) for text, _ in self.texts(node, file, follow=True)[:4] if _WHOLE.fullmatch(text)]
        count = _OPERATORS.get(type(node.op))
        left = self._numbers(node.left, file) if count else []
        if not count or not left:
            return []
        return [count(one, other) for one, other in product(left, self._numbers(node.right, file))][:_MOST]

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
        return [(text, node.lineno) for text in joined if len(text) <= _LONGEST]


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
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        return _filled(node.left, _of_percent, _given_to_percent(node.right))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        given: Named = dict(enumerate(node.args))
        given.update({word.arg: word.value for word in node.keywords if word.arg})
        return _filled(node.func.value, _of_format, given)
    return None


Named = dict[int | str, ast.expr]
Read = Callable[[str], Iterator[tuple[str, str | None]]]


def _given_to_percent(node: ast.expr) -> Named:
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return {str(name.value): value for name, value in pairs if isinstance(name, ast.Constant)}
    return dict(enumerate(node.elts if isinstance(node, ast.Tuple) else [node]))


def _of_percent(text: str) -> Iterator[tuple[str, str | None]]:
    """``http://%s:%(port)d``: each text with the name of what follows it, empty for the next one, None for nothing."""
    at = 0
    for found in re.finditer(r"%(?:\((\w+)\))?[sd]", text):
        yield text[at : found.start()], found[1] or ""
        at = found.end()
    yield text[at:], None


def _of_format(text: str) -> Iterator[tuple[str, str | None]]:
    """The same of ``http://{}:{port}``. Raises ValueError for what is none."""
    return ((before, name) for before, name, _form, _conversion in string.Formatter().parse(text))


def _filled(template: ast.expr, read: Read, given: Named) -> list[ast.expr] | None:
    """The pieces of a text that *read* takes apart, with what is *given* in between; None where it does not fit."""
    if not isinstance(template, ast.Constant) or not isinstance(template.value, str):
        return None
    pieces: list[ast.expr] = []
    following = 0
    try:
        for before, name in read(template.value):
            pieces.append(ast.copy_location(ast.Constant(before), template))
            if name is not None:
                pieces.append(given[name if name and not name.isdigit() else int(name or following)])
                following += 1
    except (ValueError, KeyError):
        return None
    return pieces
