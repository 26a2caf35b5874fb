"""Which arguments of a command are program text: ``bash -c TEXT``, ``python -c TEXT``, ``eval TEXT``, ``ssh HOST TEXT``
…

An interpreter is found wherever it stands in a command (``docker run IMAGE bash -c …``), other programs of
:mod:`mlproj.projects.interpreter` only where the command's program stands, or behind a program that starts another one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from mlproj.foundation.dataclass import dataclass
from mlproj.projects.interpreter import INTERPRETERS, LAUNCHERS, UNKNOWN, Interpreter
from mlproj.projects.shell_word import EXPANSION, Word


@dataclass(frozen=True)
class CodeArguments:
    """What is code for one program of a command: ``words``, and its input when it ``reads_input``.

    ``arguments`` are the words that the code can ask for as ``$1`` or the like, if it ``is_shell``.
    """

    program: str
    words: Sequence[Word]
    reads_input: bool = False
    arguments: Sequence[Word] = ()
    is_shell: bool = False


_VERSION = re.compile(r"(?<=[A-Za-z])-?[0-9][0-9.]*(?:-dbg|t)?$")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*(?:\[[^\]]*\])?\+?=", re.ASCII)
_READS_FILES = re.compile(r"-[A-Za-z0-9]*[np][A-Za-z0-9]*$")
_COMPUTING_TESTS = frozenset(("-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-v"))
_TAKE_NAMES = frozenset(
    ("declare", "typeset", "local", "export", "readonly", "unset", "read", "mapfile", "readarray", "getopts")
)
_MODULES = frozenset(("timeit", "IPython"))  # which take code as arguments
_OF_BASH = frozenset(("builtin", "command"))  # behind which one of bash's own commands may stand


def code_arguments(words: Sequence[Word]) -> Iterator[CodeArguments]:
    """What is code among the *words* of a simple command, program by program."""
    begin = next(
        (index for index, word in enumerate(words) if not _ASSIGNMENT.match(word.text) and word.text[:1] != "-"),
        len(words),
    )
    yield from _by_bash(words[begin:])
    may_start, runs_script = True, False
    for index in range(begin, len(words)):
        name = program_name(words[index].text)
        found = INTERPRETERS.get(name)
        if found is None and index == begin and EXPANSION in words[index].text:
            found = UNKNOWN
        if found and _is_program(found, words, begin, index, may_start, runs_script):
            given = _given(name, found, words[index + 1 :])
            runs_script = runs_script or not (given.words or given.reads_input)
            yield given
        is_launcher = name in LAUNCHERS
        may_start = may_start and (is_launcher or (not found and index > begin))


def program_name(text: str) -> str:
    """What a program is called, without its folder and its version: ``python`` for ``/usr/bin/python3.11``."""
    name = text.rpartition("/")[2] or text
    name = name[:-4] if name.endswith(".exe") else name
    return name if name in INTERPRETERS else _VERSION.sub("", name)


def _is_program(
    found: Interpreter, words: Sequence[Word], begin: int, index: int, may_start: bool, runs_script: bool
) -> bool:
    """Whether the word at *index* starts a program, and is no argument of that name."""
    if found.is_builtin:
        return may_start and all(word.text in _OF_BASH for word in words[begin:index])
    if runs_script and words[index - 1].text[:2] == "--":
        return False  # the value of a script's option: python train.py --shell bash
    return may_start or found.anywhere


def _by_bash(words: Sequence[Word]) -> Iterator[CodeArguments]:
    """What bash itself computes or takes for the name of a variable, as in ``[[ X -eq 1 ]]``: there it runs what
    ``a[$(…)]`` says."""
    name, texts = (words[0].text if words else ""), {word.text for word in words}
    if (name == "[[" and texts & _COMPUTING_TESTS) or (name in ("[", "test") and "-v" in texts):
        yield CodeArguments(name, words[1:])
    elif name in _TAKE_NAMES:
        is_computed = any(re.match(r"-[A-Za-z]*i", text) for text in texts)
        yield CodeArguments(
            name, words[1:] if is_computed else [Word(word.text.partition("=")[0]) for word in words[1:]]
        )
    elif name == "printf" and len(words) > 2 and words[1].text == "-v":
        yield CodeArguments("printf -v", words[2:3])


def _given(name: str, how: Interpreter, arguments: Sequence[Word]) -> CodeArguments:
    if how.every:
        return CodeArguments(name, arguments, how.reads and len(arguments) <= 1)
    options = _Options(name, how, arguments)
    options.read()
    return options.code_arguments()


class _Options:
    """The options of an interpreter, read from its *arguments*, and what of them is code."""

    def __init__(self, name: str, how: Interpreter, arguments: Sequence[Word]) -> None:
        self.name, self.how, self.arguments = name, how, arguments
        self.code: list[Word] = []
        self.has_code_option = False
        self.is_module = False
        self._index = 0
        self._operands: list[Word] = []

    def read(self) -> None:
        """Go through the options, up to the first operand unless they may follow it."""
        while self._index < len(self.arguments) and not self.is_module:
            text = self.arguments[self._index].text
            is_operand = len(text) < 2 or text[0] not in "-+"
            if text == "--" or (is_operand and not self.how.permutes):
                return
            self._index += 1
            if is_operand:
                self._operands.append(self.arguments[self._index - 1])
                continue
            if not self._long(text) and text[:2] != "--":
                self._letters(text)
            if self.has_code_option and self.how.ends:
                return

    def _take(self, count: int) -> Sequence[Word]:
        taken = self.arguments[self._index : self._index + count]
        self._index += count
        return taken

    def _long(self, text: str) -> bool:
        option, equals, _value = text.partition("=")
        if option in self.how.long:
            self.has_code_option = True
            self.code += [self.arguments[self._index - 1]] if equals else self._take(1)
            return True
        skipped = dict(self.how.takes).get(option)
        self._index += skipped or 0
        return skipped is not None

    def _letters(self, text: str) -> None:
        how = self.how
        known = how.code + how.values + how.attached + how.module
        at = next((at for at, letter in enumerate(text) if at and letter in known), None)
        if at is None:
            return
        while text[at] in how.code and text[at + 1 : at + 2] and text[at + 1] in how.code:
            at += 1  # node -pe
        letter, is_last = text[at], at == len(text) - 1
        if letter in how.module:
            module = text[at + 1 :] or "".join(word.text for word in self._take(1))
            self.is_module = True
            self.code += self.arguments[self._index :] if module in _MODULES else []
        elif letter in how.code:
            self.has_code_option = True
            if how.is_shell:  # whose code is the first operand, wherever the option stands
                self._index += any(letter in how.values for letter in text[1:])
            else:
                self.code += self._take(1) if is_last else [self.arguments[self._index - 1]]
        elif letter in how.values and is_last:
            self._index += 1

    def code_arguments(self) -> CodeArguments:
        """What is code, the operands looked at too."""
        how, rest = self.how, self.arguments[self._index :]
        rest = [*self._operands, *(rest[1:] if rest and rest[0].text == "--" else rest)]
        if self.is_module:
            return CodeArguments(f"{self.name} -m", self.code)
        if how.is_shell and self.has_code_option:
            return CodeArguments(self.name, [*self.code, *rest[:1]], False, rest[1:], True)
        if self._opens_operands():
            return CodeArguments(self.name, [*self.code, *rest])
        reads = how.reads and not self.has_code_option and self._takes_input(rest)
        if how.operands:
            by_file = any(word.text in ("-f", "--file", "--from-file") for word in self.arguments)
            operands = rest[how.first : how.first + how.operands]
            return CodeArguments(
                self.name,
                [*self.code, *([] if by_file or (self.has_code_option and not how.first) else operands)],
                reads,
            )
        made = [] if self.has_code_option or not how.reads else [word for word in rest[:1] if word.nested]  # bash <(…)
        return CodeArguments(self.name, [*self.code, *made], reads)

    def _takes_input(self, rest: Sequence[Word]) -> bool:
        is_asked = any(word.text == "-s" for word in self.arguments) and self.how.is_shell
        return is_asked or len(rest) <= self.how.first or rest[0].text in ("-", "/dev/stdin")

    def _opens_operands(self) -> bool:
        """Whether it is perl that reads the files it is given: it takes ``id |`` for a command."""
        if self.name != "perl":
            return False
        loops = any(_READS_FILES.match(word.text) for word in self.arguments)
        return loops or any("<>" in word.text or "<ARGV>" in word.text for word in self.code)
