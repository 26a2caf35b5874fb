"""From YAML nodes to plain values, remembering which node each of them came from."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

from mlproj.foundation.errors import InvalidProject, Notice, Place
from mlproj.yaml_document.node import MAPPING, SCALAR, SEQUENCE, TAG, UNREADABLE, Node
from mlproj.yaml_document.text import Text
from mlproj.yaml_document.typo import TEMPLATE_HINT, meant_pair

MAX_VALUES = 100_000  # with every alias counted as often as it is used

_TYPES = {TAG + name for name in ("null", "bool", "int", "float", "timestamp")}
_TEXTS = {TAG + name for name in ("str", "value", "merge")}
# Kinds of values that YAML has besides and no project needs: read as the plain kind that they are written as.
_ODD_TEXTS, _ODD_LISTS, _ODD_MAPS = {TAG + "binary"}, {TAG + "omap", TAG + "pairs"}, {TAG + "set"}
_PLAIN = "write plain text, numbers, lists and mappings"

Entries = dict[int, dict[Hashable, tuple[Node, Node]]]


class Document:
    """One YAML document: ``value`` as plain data, and the place of everything in it.

    ``findings`` are what a reader of YAML passes over and its author did not mean, such as a key that is given twice.
    """

    def __init__(self, source: Text, root: Node) -> None:
        builder = Builder(source)
        self.value = builder.build(root)
        self.findings = tuple(builder.findings)
        self.file = source.file
        self._source = source
        self._root = root
        self._entries = builder.entries

    def place(self, *keys: Any) -> Place:
        """Where the value found by following *keys* (mapping keys and list indexes) stands; its key's when it is left
        empty."""
        key, node = self._follow(keys)
        return self._place(key if key is not None and _is_left_empty(node) else node)

    def key_place(self, *keys: Any) -> Place:
        """Where the last of *keys* itself is written; for a list item or the whole document, where the value is."""
        key, node = self._follow(keys)
        return self._place(node if key is None else key)

    def raw(self, *keys: Any) -> str:
        """The scalar at *keys* as text, before YAML made a number or a date of it. Raises KeyError for lists and
        mappings."""
        _key, node = self._follow(keys)
        if node.kind != SCALAR:
            raise KeyError(*keys)
        return str(node.value)

    def raw_key(self, *keys: Any) -> str:
        """The last of *keys* as it is written: ``no`` for a key that YAML reads as False. Raises KeyError for list
        items."""
        key, _node = self._follow(keys)
        if key is None:
            raise KeyError(*keys)
        return str(key.value)

    def find(self, fragment: str, *keys: Any) -> Place:
        """Where *fragment* first stands within the value at *keys*; the value's own place when it is written
        otherwise."""
        _key, node = self._follow(keys)
        index = self._source.text.find(fragment, node.start, node.end)
        return self._place(node) if index < 0 else self._source.place_at(index)

    def _follow(self, keys: tuple[Any, ...]) -> tuple[Node | None, Node]:
        found: tuple[Node | None, Node] = (None, self._root)
        for key in keys:
            node = found[1]
            found = (None, node.value[key]) if node.kind == SEQUENCE else self._entries[id(node)][key]
        return found

    def _place(self, node: Node) -> Place:
        return self._source.place(node.line, node.column)


def _is_left_empty(node: Node) -> bool:
    return node.is_plain and node.value == ""


class Builder:
    """Plain values out of nodes, each shared node once; ``entries`` maps every mapping's keys to their nodes.

    Where PyYAML takes what is hardly meant, so does this, and tells it in ``findings``.
    """

    def __init__(self, source: Text) -> None:
        self.entries: Entries = {}
        self.findings: list[Notice] = []
        self._source = source
        self._done: dict[int, tuple[Any, int]] = {}
        self._open: set[int] = set()
        self._count = 0

    def build(self, node: Node) -> Any:
        """The value of *node*. Raises InvalidProject."""
        before = self._count
        self._count += 1
        if node.kind == SCALAR:
            value = self._scalar(node)
        elif id(node) in self._done:
            value, size = self._done[id(node)]
            self._count += size
        elif id(node) in self._open:
            raise self._error(node, "this contains itself through an alias")
        else:
            self._open.add(id(node))
            value = self._sequence(node) if node.kind == SEQUENCE else self._mapping(node)
            self._open.discard(id(node))
            self._done[id(node)] = (value, self._count - before)
        if self._count > MAX_VALUES:
            raise self._error(node, f"the file holds more than {MAX_VALUES} values, aliases expanded")
        return value

    def _scalar(self, node: Node) -> Any:
        if node.tag in _TEXTS or self._is_odd(node, _ODD_TEXTS):
            return node.value
        if node.tag not in _TYPES:
            raise self._refused_tag(node)
        if node.meaning is UNREADABLE:
            kind = node.tag.removeprefix(TAG)
            raise self._error(node, f"{node.value[:80]!r} is not the {kind} that it looks like", "put it in quotes")
        return node.meaning

    def _sequence(self, node: Node) -> list[Any]:
        if node.tag != TAG + "seq" and not self._is_odd(node, _ODD_LISTS):
            raise self._refused_tag(node)
        return [self.build(item) for item in node.value]

    def _mapping(self, node: Node) -> dict[Any, Any]:
        if node.tag != TAG + "map" and not self._is_odd(node, _ODD_MAPS):
            raise self._refused_tag(node)
        own: dict[Hashable, tuple[Node, Node]] = {}
        merged: dict[Hashable, tuple[Node, Node]] = {}
        for key_node, value_node in node.value:
            if key_node.tag == TAG + "merge":
                for source in self._merge_sources(value_node):
                    merged = {**self.entries[id(source)], **merged}
                continue
            key = self._key(node, key_node, value_node)
            if key in own:
                self._note_duplicate(key_node, own[key][0])
            own[key] = (key_node, value_node)
        self.entries[id(node)] = {**merged, **own}
        return {key: self.build(value) for key, (_key, value) in self.entries[id(node)].items()}

    def _merge_sources(self, node: Node) -> Iterator[Node]:
        """The mappings that ``<<`` names, the one that wins first (https://yaml.org/type/merge.html)."""
        for source in node.value if node.kind == SEQUENCE else [node]:
            if source.kind != MAPPING:
                raise self._error(source, "expected a mapping, or a list of mappings, to merge")
            self.build(source)
            yield source

    def _key(self, parent: Node, key: Node, value: Node) -> Hashable:
        if key.kind != SCALAR:
            if parent.in_flow and key.kind == MAPPING:
                raise self._error(parent, "this is a template, not YAML", TEMPLATE_HINT)
            raise self._error(
                key, "a key must be a word, found a list or a mapping", "put it in quotes if it is meant as text"
            )
        if parent.in_flow and key.is_plain and _is_left_empty(value):
            meant = meant_pair(key.value)
            if meant:
                self._note(
                    key, f"{key.value!r} is read as a key without a value, expected 'key: value'", f"write '{meant}'"
                )
        read: Hashable = self._scalar(key)
        return read

    def _note_duplicate(self, key: Node, first: Node) -> None:
        earlier = self._source.place(first.line, first.column)
        self._note(
            key,
            f"the key {key.value[:80]!r} is given twice, first at {earlier}, and the last one counts",
            "keep one of them",
        )

    def _note(self, node: Node, message: str, hint: str) -> None:
        self.findings.append(Notice(message, self._source.place(node.line, node.column), hint, is_error=True))

    def _is_odd(self, node: Node, tags: set[str]) -> bool:
        if node.tag in tags:
            self._note(node, f"the tag {node.tag.replace(TAG, '!!')!r} is ignored", _PLAIN)
        return node.tag in tags

    def _refused_tag(self, node: Node) -> InvalidProject:
        tag = node.tag.replace(TAG, "!!")
        return self._error(node, f"the tag {tag[:80]!r} is not allowed", _PLAIN)

    def _error(self, node: Node, message: str, hint: str | None = None) -> InvalidProject:
        return InvalidProject(message, place=self._source.place(node.line, node.column), hint=hint)
