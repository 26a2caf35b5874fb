"""A bash text taken apart into simple commands and their words, to see what a command would be given.

It is read for safety and not to run it: where bash would find an error, something is found too. Functions, loops and
other compound commands are groups of commands; what belongs to no word is left out.

The grammar is bash's: https://www.gnu.org/software/bash/manual/html_node/Shell-Syntax.html
"""

from __future__ import annotations

import re
from typing import Any

from mlproj.foundation.dataclass import dataclass, field
from mlproj.foundation.override import override
from mlproj.projects.shell_word import Word, WordReader

_OPENERS = frozenset(("{", "if", "while", "until", "for", "select", "case"))
_CLOSERS = frozenset(("}", "fi", "done", "esac"))
_BETWEEN = frozenset(("then", "do", "else", "elif", "!", "time", "coproc"))
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_DELIMITER = re.compile(r"[ \t]*(['\"\\]?)([^\s'\"\\;&|()<>]+)\1")


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


class _Parser(WordReader):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.functions: set[str] = set()
        self._heredocs: list[tuple[bool, str]] = []

    @override
    def commands(self, closer: str) -> list[Any]:
        self._enter(closer)
        pipelines: list[Any] = [[SimpleCommand()]]
        while self._blank() and self.text[self.position] != (closer or ")"):
            if not self._separator(pipelines):
                self._part(pipelines[-1][-1])
        self._closers.pop()
        return _found(pipelines)

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


def _found(pipelines: list[Any]) -> list[Any]:
    return [pipeline for pipeline in pipelines if any(not command.is_empty() for command in pipeline)]
