"""A bash text taken apart into simple commands and their words, to see what a command would be given.

It is read for safety and not to run it: where bash would find an error, something is found too. Functions, loops and
other compound commands are groups of commands; what belongs to no word is left out.

The grammar is bash's: https://www.gnu.org/software/bash/manual/html_node/Shell-Syntax.html
"""

from __future__ import annotations

import re
from typing import Any

from mlproj.foundation.dataclass import dataclass, field

_MOST_NESTED = 40
_META = frozenset(" \t\n;&|()<>")
_OPENERS = frozenset(("{", "if", "while", "until", "for", "select", "case"))
_CLOSERS = frozenset(("}", "fi", "done", "esac"))
_BETWEEN = frozenset(("then", "do", "else", "elif", "!", "time", "coproc"))
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_PARAMETER = re.compile(r"[A-Za-z_]\w*|[0-9@*#?!$-]", re.ASCII)
_ARRAY = re.compile(r"[A-Za-z_]\w*(?:\[[^\]]*\])?\+?=$", re.ASCII)
_DELIMITER = re.compile(r"[ \t]*(['\"\\]?)([^\s'\"\\;&|()<>]+)\1")
_EXPRESSIONS = re.compile(r"[A-Za-z_]\w*\[([^\]]*)\]|:([^-=?+].*)", re.ASCII | re.DOTALL)

EXPANSION = "\ue000"
"""Stands in a word's text for what an expansion makes of itself."""


class TooDeepError(ValueError):
    """The text is nested deeper than anybody writes by hand."""


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


@dataclass
class SimpleCommand:
    """The words of a command, what its redirections name, and the pipelines of a group (``{ …; }``, ``if``, ``for``
    …)."""

    words: list[Word] = field(default_factory=list)
    redirects: list[tuple[str, Word]] = field(default_factory=list)
    group: list[Any] = field(default_factory=list)

    def is_empty(self) -> bool:
        """Whether nothing was found."""
        return not (self.words or self.redirects or self.group)


def parse_shell(text: str) -> tuple[list[Any], set[str]]:
    """The pipelines of *text*, each a list of commands that read what the one before writes, and the functions it
    defines.

    Raises TooDeepError.
    """
    parser = _Parser(text)
    pipelines: list[Any] = []
    while parser.position < len(text):
        pipelines += parser.commands("")
        parser.position += 1  # a closing bracket that nothing opened
    return pipelines, parser.functions


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.functions: set[str] = set()
        self._closers: list[str] = []
        self._heredocs: list[tuple[bool, str]] = []

    def commands(self, closer: str) -> list[Any]:
        """Pipelines up to *closer*, where the position is left: a closing bracket, a backtick, or the end."""
        self._enter(closer)
        pipelines: list[Any] = [[SimpleCommand()]]
        while self._blank() and self.text[self.position] != (closer or ")"):
            if not self._separator(pipelines):
                self._part(pipelines[-1][-1])
        self._closers.pop()
        return _found(pipelines)

    def _enter(self, closer: str) -> None:
        self._closers.append(closer)
        if len(self._closers) > _MOST_NESTED:
            raise TooDeepError

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

    def _separator(self, pipelines: list[Any]) -> bool:
        """Move over what ends a command, if something does here."""
        text, at = self.text, self.position
        character = text[at]
        if character not in "\n;&|)" or text.startswith("&>", at):
            return False
        words = pipelines[-1][-1].words
        is_test = bool(words) and words[0].text == "[[" and words[-1].text != "]]"
        self.position += 2 if text[at : at + 2] in ("&&", "||", ";;", ";&", "|&") else 1
        if character == "\n":
            self._read_heredocs()
        if is_test and character in "&|)":
            return True
        if character == "|" and text[at : at + 2] != "||":
            pipelines[-1].append(SimpleCommand())
        else:
            pipelines.append([SimpleCommand()])
        return True

    def _part(self, command: SimpleCommand) -> None:
        """Read one word, redirection or group of *command*."""
        text, at = self.text, self.position
        if text[at] == "(":
            self._parenthesis(command)
        elif text[at] in "<>" and text[at + 1 : at + 2] != "(":
            self._redirect(command)
        elif text.startswith("&>", at):
            self.position += 1
            self._redirect(command)
        else:
            word = self.word()
            self.position += self.position == at  # a stray backtick
            written = text[at : self.position]
            if written.isdigit() and text[self.position : self.position + 1] in ("<", ">"):
                return  # the number of a file
            if command.words or command.group or not self._reserved(written, command):
                command.words.append(word)

    def _reserved(self, written: str, command: SimpleCommand) -> bool:
        """Read what follows a reserved word, if *written* is one."""
        if written in _OPENERS:
            self._group(written, command)
        elif written == "function":
            self._blank()
            self.functions.add(self.word().text)
        elif written not in _BETWEEN:
            return False
        return True

    def _group(self, opener: str, command: SimpleCommand) -> None:
        """Read a compound command up to the reserved word that closes it."""
        self._enter(opener)
        pipelines: list[Any] = [[SimpleCommand()]]
        if opener in ("for", "select", "case"):
            pipelines[-1][-1].words.append(Word(opener))
        while self._blank():
            if self._separator(pipelines):
                continue
            closer = _NAME.match(self.text, self.position)
            written = closer[0] if closer else self.text[self.position]
            if not pipelines[-1][-1].words and written in _CLOSERS:
                self.position += len(written)
                break
            self._part(pipelines[-1][-1])
        self._closers.pop()
        command.group += _found(pipelines)

    def _parenthesis(self, command: SimpleCommand) -> None:
        text, at = self.text, self.position
        following = re.compile(r"\(\s*\)").match(text, at)
        if following and len(command.words) == 1:
            self.functions.add(command.words.pop().text)
            self.position = following.end()
        elif text.startswith("((", at):
            word = Word()
            self.position += 2
            self._arithmetic(word, "))")
            command.words.append(word)
        else:
            self.position += 1
            if not command.words:
                command.group += self.commands(")")
                self.position += 1

    def _redirect(self, command: SimpleCommand) -> None:
        text = self.text
        found = re.compile(r"<<<|<<-?|<>|<&|>>|>&|>\||[<>]").match(text, self.position)
        operator = found[0] if found else text[self.position]
        self.position += len(operator)
        if operator in ("<<", "<<-"):
            delimiter = _DELIMITER.match(text, self.position)
            if delimiter:
                self.position = delimiter.end()
                self._heredocs.append((operator == "<<-", delimiter[2]))
            return
        self._blank()
        command.redirects.append((operator, self.word()))

    def _read_heredocs(self) -> None:
        """Pass over here-documents, which take harmless values only."""
        for dash, delimiter in self._heredocs:
            while self.position < len(self.text):
                end = self.text.find("\n", self.position)
                end = len(self.text) if end < 0 else end
                line = self.text[self.position : end]
                self.position = min(end + 1, len(self.text))
                if (line.lstrip("\t") if dash else line) == delimiter:
                    break
        self._heredocs = []

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


def _found(pipelines: list[Any]) -> list[Any]:
    return [pipeline for pipeline in pipelines if any(not command.is_empty() for command in pipeline)]
