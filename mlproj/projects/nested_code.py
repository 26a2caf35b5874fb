"""Values that a command makes part of a program text, which a second interpreter reads: ``bash -c "echo {note}"``.

bash hands such a value on whole, and the second interpreter takes it for code. No quoting is right for both, so that
only values of harmless characters may stand there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from mlproj.projects.code_argument import CodeArguments, code_arguments, program_name
from mlproj.projects.interpreter import INTERPRETERS, UNKNOWN
from mlproj.projects.shell_command import SimpleCommand, parse_shell
from mlproj.projects.shell_word import TooDeepError, Word
from mlproj.projects.template import Field

_FIRST_MARK = 0xF0000
_MARK = re.compile("[\U000f0000-\U0010ffff]")
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)(?:\[[^\]]*\])?\+?=", re.ASCII)
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*|[0-9@*]", re.ASCII)
_CODE_FILE = re.compile(r"\.(?:sh|bash|zsh|py|R|r|pl|rb|js|php|lua|jl|sql)$")
_ASSIGNING = frozenset(("export", "declare", "typeset", "local", "readonly", "env"))
_POSITIONAL = ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "@", "*")
# Variables whose value bash, Git or another program runs.
_LONGEST = 8_000  # characters; looking takes time with their square
_MOST_PROGRAMS = 100  # of one text that take code
_TOO_LONG = "a command that is too long to be judged"
_RUN_VARIABLES = frozenset(
    "BASH_ENV ENV PS0 PS1 PS4 PROMPT_COMMAND GIT_SSH_COMMAND GIT_EDITOR GIT_PAGER GIT_ASKPASS RSYNC_RSH PAGER EDITOR"
    " VISUAL LESSOPEN PERL5OPT RUBYOPT NODE_OPTIONS MAKEFLAGS".split()
)


def fields_in_code(pieces: Sequence[str | Field]) -> dict[int, str]:
    """Which of *pieces* become part of a program text, by their index, and the program that reads it."""
    text = _marked(pieces)
    if len(text) > _LONGEST:
        return dict.fromkeys(range(len(pieces)), _TOO_LONG)
    try:
        return _Search(text, {}).found
    except TooDeepError:
        return dict.fromkeys(range(len(pieces)), "a command that is nested too deep")


def appended_in_code(pieces: Sequence[str | Field]) -> str | None:
    """The program that takes arguments that are appended to the command of *pieces* for a program text, if one does."""
    text = f"{_marked(pieces).rstrip()} {chr(_FIRST_MARK + len(pieces))}"
    if len(text) > _LONGEST:
        return _TOO_LONG
    try:
        return _Search(text, {}).found.get(len(pieces))
    except TooDeepError:
        return "a command that is nested too deep"


def advice(program: str, name: str) -> str:
    """How the author of a command hands the parameter *name* to *program* safely."""
    if INTERPRETERS.get(program, UNKNOWN).is_shell:
        return f"hand it over as an argument in MLproject: {program} -c '… \"$1\" …' _ {{{name}}}"
    if program == "python":
        return f"hand it over as an argument in MLproject: python -c '… sys.argv[1] …' {{{name}}}"
    return (
        f"hand {{{name}}} over as an argument of its own in MLproject, or in an environment variable, outside of the"
        " text"
    )


def _marked(pieces: Sequence[str | Field]) -> str:
    return "".join(piece if isinstance(piece, str) else chr(_FIRST_MARK + index) for index, piece in enumerate(pieces))


class _Search:
    """What is found in one shell text. ``tainted`` are variables that hold values, by their name the indexes of
    these."""

    def __init__(self, text: str, tainted: Mapping[str, set[int]], depth: int = 0) -> None:
        self.found: dict[int, str] = {}
        self._depth = depth
        self._looked_at = 0
        pipelines, self._functions = parse_shell(text)
        if depth > 8:
            raise TooDeepError
        self._commands = list(_flat(pipelines))
        self._read = list(_read_variables(pipelines))
        self._tainted = {name: set(fields) for name, fields in tainted.items()}
        self._taint()
        self._code_files = {word.text for command in self._commands for word in _scripts(command)}
        for pipeline in pipelines:
            self._pipeline(pipeline)

    def _taint(self) -> None:
        """Find the variables that hold values, through one another too."""
        size = -1
        while size != sum(map(len, self._tainted.values())):
            size = sum(map(len, self._tainted.values()))
            for command in self._commands:
                for name, word in _assignments(command, self._functions):
                    self._tainted.setdefault(name, set()).update(self._fields(word))
            for before, name in self._read:
                self._tainted.setdefault(name, set()).update(*map(self._fields_of, before))

    def _fields(self, word: Word) -> set[int]:
        """The values that *word* is made of."""
        fields = {ord(mark) - _FIRST_MARK for mark in _MARK.findall(word.text)}
        for name in word.names:
            fields |= self._tainted.get(name, set())
        return fields.union(*(self._fields_of(command) for command in _flat(word.nested)))

    def _fields_of(self, command: SimpleCommand) -> set[int]:
        words = [*command.words, *(word for _operator, word in command.redirects)]
        return set().union(*map(self._fields, words)) if words else set()

    def _mark(self, fields: set[int], program: str) -> None:
        for index in fields:
            self.found.setdefault(index, program)

    def _pipeline(self, pipeline: Sequence[SimpleCommand]) -> None:
        for at, command in enumerate(pipeline):
            for given in self._given(command):
                self._looked_at += 1
                if self._looked_at > _MOST_PROGRAMS:
                    raise TooDeepError
                for word in given.words:
                    self._mark(self._fields(word), given.program)
                if given.reads_input:
                    self._input(pipeline[:at], command, given.program)
                self._within(given)
            self._variables(command)
            self._written(pipeline[: at + 1])
            for word in [*command.words, *(word for _operator, word in command.redirects)]:
                self._computed(word)
                for nested in word.nested:
                    self._pipeline(nested)
            for inner in command.group:
                self._pipeline(inner)

    def _given(self, command: SimpleCommand) -> Iterator[CodeArguments]:
        given = list(code_arguments(command.words))
        yield from given
        is_replacing = any(re.match(r"-[A-Za-z]*[iI]|--replace", word.text) for word in command.words)
        if (
            command.words
            and program_name(command.words[0].text) == "xargs"
            and is_replacing
            and any(one.words for one in given)
        ):
            yield CodeArguments("xargs", [], True)
        for inner in _flat(command.group):  # { …; } | while read x; do eval "$x"; done
            yield from (CodeArguments(one.program, [], True) for one in code_arguments(inner.words) if one.reads_input)

    def _input(self, before: Sequence[SimpleCommand], command: SimpleCommand, program: str) -> None:
        for earlier in before:
            for one in _flat([[earlier]]):
                self._mark(self._fields_of(one), program)
        for operator, word in command.redirects:
            if operator == "<<<" or word.nested:
                self._mark(self._fields(word), program)

    def _within(self, given: CodeArguments) -> None:
        """Look into the text that a shell is given, which may hand its own arguments on to a third one."""
        if not given.is_shell or not given.words or not (self._tainted or any(map(self._fields, given.arguments))):
            return
        arguments: set[int] = set().union(*map(self._fields, given.arguments)) if given.arguments else set()
        inner = _Search(
            _MARK.sub("x", given.words[-1].text),
            {**self._tainted, **dict.fromkeys(_POSITIONAL, arguments)},
            self._depth + 1,
        )
        for index, program in inner.found.items():
            self._mark({index}, program)

    def _variables(self, command: SimpleCommand) -> None:
        for name, word in _assignments(command, self._functions):
            if name in _RUN_VARIABLES:
                self._mark(self._fields(word), f"what reads {name}")

    def _written(self, stages: Sequence[SimpleCommand]) -> None:
        """Find values that the last of *stages* writes into a file of code."""
        targets = [word.text for operator, word in stages[-1].redirects if ">" in operator]
        if stages[-1].words and stages[-1].words[0].text == "tee":
            targets += [word.text for word in stages[-1].words[1:]]
        for target in targets:
            if _CODE_FILE.search(target) or target in self._code_files:
                for command in _flat([stages]):
                    self._mark(self._fields_of(command), f"what runs {target}")

    def _computed(self, word: Word) -> None:
        """Find variables that bash computes with: it runs what is between brackets in their values."""
        for expression in word.computed:
            for name in _IDENTIFIER.findall(expression):
                self._mark(self._tainted.get(name, set()), "bash's arithmetic")


def _flat(pipelines: Sequence[Sequence[SimpleCommand]]) -> Iterator[SimpleCommand]:
    """Every command, those within others too."""
    for pipeline in pipelines:
        for command in pipeline:
            yield command
            yield from _flat(command.group)
            for word in [*command.words, *(word for _operator, word in command.redirects)]:
                yield from _flat(word.nested)


def _assignments(command: SimpleCommand, functions: set[str]) -> Iterator[tuple[str, Word]]:
    """The variables that *command* sets, and what of."""
    words = command.words
    name = words[0].text if words else ""
    for word in words:
        assigned = _ASSIGNMENT.match(word.text)
        if assigned:
            yield assigned[1], word
        elif name not in _ASSIGNING:
            break
    if name == "for" and len(words) > 1:
        yield from ((words[1].text, word) for word in words[2:])
    elif name == "read":
        fed = [word for operator, word in command.redirects if operator == "<<<" or word.nested]
        yield from ((variable.text, word) for variable in words[1:] for word in fed)
    elif name == "set" or name in functions:
        yield from ((position, word) for word in words[1:] for position in _POSITIONAL)


def _read_variables(pipelines: Sequence[Sequence[SimpleCommand]]) -> Iterator[tuple[list[SimpleCommand], str]]:
    """The variables that a stage of a pipeline reads, and the stages before it: ``echo x | while read line; …``."""
    for pipeline in pipelines:
        for at, stage in enumerate(pipeline[1:], start=1):
            for command in _flat([[stage]]):
                if command.words and command.words[0].text in ("read", "mapfile", "readarray"):
                    before = list(_flat([pipeline[:at]]))
                    yield from ((before, word.text) for word in command.words[1:])


def _scripts(command: SimpleCommand) -> Iterator[Word]:
    """The files that *command* may run: what stands behind an interpreter."""
    for index, word in enumerate(command.words):
        if program_name(word.text) in INTERPRETERS:
            yield from command.words[index + 1 :]
