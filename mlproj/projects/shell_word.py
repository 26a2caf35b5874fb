"""The words of a bash text: what their quotes hold, and what bash expands in them."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import Any

from mlproj.foundation.dataclass import dataclass, field

_MOST_NESTED = 40
_META = frozenset(" \t\n;&|()<>")
_PARAMETER = re.compile(r"[A-Za-z_]\w*|[0-9@*#?!$-]", re.ASCII)
_ARRAY = re.compile(r"[A-Za-z_]\w*(?:\[[^\]]*\])?\+?=$", re.ASCII)
_EXPRESSIONS = re.compile(r"[A-Za-z_]\w*\[([^\]]*)\]|:([^-=?+].*)", re.ASCII | re.DOTALL)

EXPANSION = "\ue000"
"""Stands in a word's text for what an expansion makes of itself."""


class TooDeepError(ValueError):
    """The text is nested deeper than people write by hand."""


@dataclass
class Word:
    """A word of a command: ``text`` without its quotes, and what is expanded in it.

    ``names`` are the variables whose values it takes, ``computed`` the texts that bash computes as arithmetic, which
    runs what ``a[$(…)]`` says, and ``nested`` the commands whose output it takes.
    """

    text: str = ""
    names: set[str] = field(default_factory=set)
    computed: list[str] = field(default_factory=list)
    nested: list[Any] = field(default_factory=list)


class WordReader(ABC):
    """Reads words of *text* from ``position`` on; the commands that are nested in them are read by a subclass."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self._closers: list[str] = []

    @abstractmethod
    def commands(self, closer: str) -> list[Any]:
        """Pipelines up to *closer*, where the position is left: a closing bracket, a backtick, or the end."""

    def word(self) -> Word:
        """The word that begins here; an empty one where none does."""
        word, text = Word(), self.text
        while self.position < len(text):
            character = text[self.position]
            if character in "<>" and text[self.position + 1 : self.position + 2] == "(":
                self.position += 1
                self._substitution(word, 1)
            elif character == "(" and _ARRAY.match(word.text):
                self._array(word)
            elif character in _META or (character == "`" and "`" in self._closers):
                break
            else:
                self._piece(word, "")
        return word

    def _array(self, word: Word) -> None:
        self.position += 1
        while self._blank() and self.text[self.position] != ")":
            if self.text[self.position] in _META:
                self.position += 1
                continue
            item = self.word()
            word.text += " " + item.text
            word.names |= item.names
            word.computed += item.computed
            word.nested += item.nested
        self.position += 1

    def _piece(self, word: Word, within: str) -> None:
        """Read one character, or one quoted or expanded piece; *within* is the quote that it stands in."""
        text, at = self.text, self.position
        character = text[at]
        if character == "\\":
            self._escape(word, within)
        elif character == "`":
            self.position += 1
            word.text += EXPANSION
            word.nested += self.commands("`")
            self.position += 1
        elif character == "$":
            self._dollar(word, within)
        elif character == '"' and within != '"':
            self.position += 1
            self._until(word, '"')
        elif character == "'" and within != '"':
            end = text.find("'", at + 1)
            end = len(text) if end < 0 else end
            word.text += text[at + 1 : end]
            self.position = end + 1
        else:
            word.text += character
            self.position += 1

    def _until(self, word: Word, closer: str) -> None:
        while self.position < len(self.text) and self.text[self.position] != closer:
            self._piece(word, closer)
        self.position += 1

    def _escape(self, word: Word, within: str) -> None:
        escaped = self.text[self.position + 1 : self.position + 2]
        self.position += 2
        if escaped != "\n":
            word.text += escaped if within != '"' or escaped in '$`"\\' else "\\" + escaped

    def _dollar(self, word: Word, within: str) -> None:
        text, at = self.text, self.position
        following = text[at + 1 : at + 2]
        name = _PARAMETER.match(text, at + 1)
        if text.startswith("((", at + 1) or following == "[":
            self.position += 3 if following == "(" else 2
            self._arithmetic(word, "))" if following == "(" else "]")
        elif following == "(":
            self.position += 1
            self._substitution(word, 1)
        elif following == "{":
            self.position += 2
            self._braces(word)
        elif following == "'" and within != '"':
            self._ansi(word)
        elif name:
            self.position = name.end()
            word.text += EXPANSION
            word.names.add(name[0])
        else:  # $"…" as well, whose quotes are read next
            word.text += "$" if following != '"' or within == '"' else ""
            self.position += 1

    def _substitution(self, word: Word, length: int) -> None:
        self.position += length
        word.text += EXPANSION
        word.nested += self.commands(")")
        self.position += 1

    def _braces(self, word: Word) -> None:
        start = self.position
        self._enter("}")
        self._until(word, "}")
        self._closers.pop()
        inner = self.text[start : self.position - 1]
        word.text += EXPANSION
        word.names.update(_PARAMETER.findall(inner))
        word.computed += [subscript or offset for subscript, offset in _EXPRESSIONS.findall(inner)]

    def _arithmetic(self, word: Word, closer: str) -> None:
        """Read an expression up to *closer*; what is nested in it counts too."""
        start, opened = self.position, 0
        inner = Word()
        while self.position < len(self.text) and (opened or not self.text.startswith(closer, self.position)):
            opened += {"(": 1, ")": -1}.get(self.text[self.position], 0) if closer == "))" else 0
            self._piece(inner, '"')
        word.text += EXPANSION
        word.computed.append(self.text[start : self.position])
        word.names |= inner.names
        word.nested += inner.nested
        self.position += len(closer)

    def _ansi(self, word: Word) -> None:
        self.position += 2
        while self.position < len(self.text) and self.text[self.position] != "'":
            step = 2 if self.text[self.position] == "\\" else 1
            word.text += self.text[self.position + step - 1 : self.position + step]
            self.position += step
        self.position += 1

    def _blank(self) -> bool:
        """Move over blanks and comments; whether anything is left."""
        text = self.text
        while self.position < len(text):
            if text[self.position] in " \t":
                self.position += 1
            elif text.startswith("\\\n", self.position):
                self.position += 2
            elif text[self.position] == "#":
                end = text.find("\n", self.position)
                self.position = len(text) if end < 0 else end
            else:
                return True
        return False

    def _enter(self, closer: str) -> None:
        self._closers.append(closer)
        if len(self._closers) > _MOST_NESTED:
            raise TooDeepError
