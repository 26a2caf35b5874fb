"""Documents that were composed before, kept in the cache: importing PyYAML takes longer than the rest of a warm run's
planning.

A memo counts only for the very text it was made of, by this version of mlproj. One that cannot be read is as good as
none. There are a fixed number of places, so the memos of old texts go by themselves.
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

from mlproj import __version__
from mlproj.foundation import paths
from mlproj.foundation.redaction import mask_channel
from mlproj.yaml_document.node import SCALAR, SEQUENCE, Node

_FORMAT = 1
_PLACES = 256
_LARGEST = 64 * 1024  # characters


def recall(text: str) -> Node | None:
    """The root of the document that *text* is, None when it was not kept."""
    try:
        heading, _, body = _file(text).read_bytes().partition(b"\n")
        kept = json.loads(body) if heading == _heading(body) else {}
        return _linked(kept["nodes"]) if kept.get("text") == text else None
    except (OSError, ValueError):
        return None


def keep(text: str, root: Node) -> None:
    """Keep the document that *text* is, unless it is large, holds credentials, or has values that JSON cannot hold
    (dates)."""
    if len(text) > _LARGEST or mask_channel(text) != text:
        return
    try:
        body = json.dumps({"text": text, "nodes": _rows(root)}, separators=(",", ":")).encode()
        paths.write_atomic(_file(text), _heading(body) + b"\n" + body)
    except (OSError, ValueError, TypeError):  # the cache is only a help
        pass


def _heading(body: bytes) -> bytes:
    """What only a whole memo of this version begins with."""
    return f"{__version__} {_FORMAT} {zlib.crc32(body)}".encode()


def _file(text: str) -> Path:
    return paths.cache() / "yaml" / f"{zlib.crc32(text.encode('utf-8', 'surrogatepass')) % _PLACES:02x}.json"


def _rows(root: Node) -> list[list[Any]]:
    """All nodes, the root first; children are numbers of rows, so that what aliases share stays shared."""
    nodes, numbers = [root], {id(root): 0}
    for node in nodes:  # grows on the way
        for child in _children(node):
            if id(child) not in numbers:
                numbers[id(child)] = len(nodes)
                nodes.append(child)
    return [
        _row(node, node.value if node.kind == SCALAR else [numbers[id(child)] for child in _children(node)])
        for node in nodes
    ]


def _row(node: Node, value: Any) -> list[Any]:
    return [
        node.kind,
        node.tag,
        value,
        node.line,
        node.column,
        node.start,
        node.end,
        node.is_plain,
        node.in_flow,
        node.meaning,
    ]


def _children(node: Node) -> list[Node]:
    if node.kind == SCALAR:
        return []
    return node.value if node.kind == SEQUENCE else [each for pair in node.value for each in pair]


def _linked(rows: list[list[Any]]) -> Node:
    nodes = []
    for kind, tag, value, line, column, start, end, is_plain, in_flow, meaning in rows:
        node = Node(kind, tag, value, line, column, start, end, is_plain=is_plain, in_flow=in_flow)
        node.meaning = meaning
        nodes.append(node)
    for node in nodes:
        if node.kind != SCALAR:
            children = [nodes[number] for number in node.value]
            node.value = children if node.kind == SEQUENCE else list(zip(children[::2], children[1::2], strict=True))
    return nodes[0]
