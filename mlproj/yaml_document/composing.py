"""From text to YAML nodes, and PyYAML's complaints in words for whoever wrote the file."""

from __future__ import annotations

import re
from typing import Any

import yaml

from mlproj.foundation.errors import InvalidProject, Place
from mlproj.yaml_document.node import MAPPING, SCALAR, SEQUENCE, TAG, UNREADABLE, Node
from mlproj.yaml_document.text import Text
from mlproj.yaml_document.typo import TEMPLATE_HINT, meant_pair

MAX_DEPTH = 64
_TYPES = {TAG + name for name in ("null", "bool", "int", "float", "timestamp")}

_TEMPLATE = re.compile(r"\{\{|\{%")

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _DepthError(Exception):
    """Nodes are nested too deep."""


class _Loader(_Base):  # type: ignore[misc]  # the C loader where PyYAML was built with it
    """Composes nodes no deeper than MAX_DEPTH: the C composer recurses on the C stack, and half a million ``- `` crash
    it."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._nodes_open = 0

    def descend_resolver(self, current_node: Any, current_index: Any) -> None:
        self._nodes_open += 1
        if self._nodes_open > MAX_DEPTH:
            raise _DepthError
        super().descend_resolver(current_node, current_index)

    def ascend_resolver(self) -> None:
        self._nodes_open -= 1
        super().ascend_resolver()


def compose(source: Text) -> Node | None:
    """The root node of *source*, None when there is nothing in it. Raises InvalidProject."""
    try:
        loader = _Loader(source.text)
        try:
            root = loader.get_single_node()
        finally:
            loader.dispose()
    except _DepthError:
        raise _too_deep(source) from None
    except yaml.YAMLError as error:
        raise _explain(error, source) from None
    except UnicodeEncodeError as error:
        raise _unreadable(source, error.start) from None
    return None if root is None else _converted(root)


def _converted(root: yaml.Node) -> Node:
    """*root* and all below it as nodes of ours; what aliases share, or what contains itself, stays so."""
    done: dict[int, Node] = {id(root): _bare(root)}
    waiting = [root]
    for node in waiting:  # grows on the way
        if isinstance(node, yaml.ScalarNode):
            continue
        pairs = isinstance(node, yaml.MappingNode)
        for child in (each for pair in node.value for each in pair) if pairs else node.value:
            if id(child) not in done:
                done[id(child)] = _bare(child)
                waiting.append(child)
        own = done[id(node)]
        own.value = (
            [(done[id(key)], done[id(value)]) for key, value in node.value]
            if pairs
            else [done[id(item)] for item in node.value]
        )
    return done[id(root)]


def _bare(node: yaml.Node) -> Node:
    """*node* without its children."""
    begin, end = node.start_mark, node.end_mark
    place = (begin.line, begin.column, begin.index, end.index)
    if not isinstance(node, yaml.ScalarNode):
        return Node(
            SEQUENCE if isinstance(node, yaml.SequenceNode) else MAPPING,
            node.tag,
            [],
            *place,
            in_flow=bool(getattr(node, "flow_style", False)),
        )
    bare = Node(SCALAR, node.tag, node.value, *place, is_plain=not node.style)
    if node.tag in _TYPES:
        try:
            bare.meaning = yaml.constructor.SafeConstructor().construct_object(node)
        except (ValueError, TypeError, LookupError, AttributeError, OverflowError):
            bare.meaning = UNREADABLE
    return bare


def _too_deep(source: Text) -> InvalidProject:
    return InvalidProject(f"the file is nested deeper than {MAX_DEPTH} levels", place=Place(source.file))


def _explain(error: yaml.YAMLError, source: Text) -> InvalidProject:
    if isinstance(error, yaml.reader.ReaderError):
        return _unreadable(source, error.position)
    problem = getattr(error, "problem", None) or "it ends unexpectedly"
    if "maximum nesting depth" in problem:  # the parser of PyYAML 6.0.4 has a limit of its own
        return _too_deep(source)
    context, mark = getattr(error, "context_mark", None), getattr(error, "problem_mark", None)
    if mark is None or (context and "could not find expected ':'" in problem):
        mark = context  # where the key stands, not where the search for its colon ended
    if mark is None:  # pragma: no cover  # every error known has one, but PyYAML does not promise it
        return InvalidProject(f"this is not YAML: {problem}", place=Place(source.file))
    place = source.place(mark.line, mark.column)
    if (
        context
        and mark.index >= len(source.text.rstrip())
        and source.text[context.index : context.index + 1] in tuple("[{'\"")
    ):
        opened = source.place(context.line, context.column)
        return InvalidProject("what begins here is never closed", place=opened, hint="close the quotes or the bracket")
    message, hint = _diagnose(problem, place.text or "", mark.column)
    return InvalidProject(message, place=place, hint=hint)


def _diagnose(problem: str, line: str, column: int) -> tuple[str, str]:
    """What is wrong in *line*, and what to do about it."""
    if "another document" in problem:
        return "a second document begins here, expected one", "remove the line '---' and what follows it"
    if _TEMPLATE.search(line):
        return "this is a template, not YAML", TEMPLATE_HINT
    if "could not find expected ':'" in problem:
        meant = meant_pair(line.strip())
        hint = f"write '{meant}'" if meant else "write 'key: value', with a space after the colon"
        return f"found {line.strip()[:80]!r}, expected 'key: value'", hint
    if "\t" in line[: column + 1] and not line[:column].strip():
        return "a tab is used for indentation, which YAML does not allow", "indent with spaces"
    if "mapping values are not allowed" in problem:
        return "a ':' is not allowed here", "put a value that holds ': ' in quotes, and check the indentation"
    if "undefined alias" in problem:
        return "this alias is defined nowhere above", "put a value that begins with '*' in quotes"
    if line[column : column + 1] in tuple("@`%&*!"):
        return f"a value cannot begin with {line[column]!r}", "put the value in quotes"
    return f"this is not YAML: {problem}", "check the indentation and the quotes of this line and the one before"


def _unreadable(source: Text, index: int) -> InvalidProject:
    code = f"U+{ord(source.text[index]):04X}" if index < len(source.text) else "at the end"
    return InvalidProject(
        f"the character {code} is not allowed in YAML", place=source.place_at(index), hint="is this a text file?"
    )
