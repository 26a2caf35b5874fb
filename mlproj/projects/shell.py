"""Where in a bash command a value stands, and how it is written there so that it arrives whole.

A value is data: whatever it holds, the shell must hand it to the program unchanged. Outside of quotes ``shlex.quote``
does that; inside of quotes its quotes would fight with the author's. Where bash has no sure way to quote (backticks,
``${…}``, ``$((…))``, here-documents) only values of harmless characters are accepted.

The grammar is bash's: https://www.gnu.org/software/bash/manual/html_node/Quoting.html
"""

from __future__ import annotations

import re
import shlex

_SAFE = re.compile(r"[\w@%+=:,./-]+", re.ASCII)  # what shlex.quote leaves as it is
_BOUNDARY = frozenset(" \t\n;&|()<>")
_NO_QUOTING = {
    "backtick": "between backticks",
    "expansion": "within ${…}",
    "arithmetic": "within arithmetic",
    "bracket": "within arithmetic",
    "heredoc": "in a here-document",
    "unclear": "after a construct whose quoting is unclear",
}
_HEREDOC = r"<(-?)[ \t]*(?:'([^'\n]+)'|\"([^\"\n]+)\"|\\?([\w.-]+))"
# What the first characters of a value could become part of: a variable's name, or an escape of $'…'.
_OPEN_NAME = r"\$[A-Za-z_]\w*$"
_OPEN_ESCAPE = r"\\(?:x[0-9A-Fa-f]?|[0-7]{1,2}|u[0-9A-Fa-f]{0,3}|U[0-9A-Fa-f]{0,7}|c)$"


class CannotQuoteError(ValueError):
    """The value cannot be written where it stands; the text says where that is."""


class Writer:
    """A bash command being written: literal text, which moves through bash's quoting, and values, which do not.

    ``text`` is what has been written; ``context`` the innermost construct that is open: ``code``, ``paren``,
    ``single``, ``double``, ``ansi``, ``comment``, or one of those that cannot be quoted in.
    """

    def __init__(self) -> None:
        self.text = ""
        self._frames = ["code"]
        self._escaped = False  # a backslash waits for the character that it escapes
        self._boundary = True  # a word, or a comment, may begin here
        self._heredocs: list[tuple[str, str]] = []  # delimiters still to come, with a dash when tabs may precede them
        self._line_start = 0
        self.ends_heredoc = False

    @property
    def context(self) -> str:
        """The innermost construct that is open."""
        return self._frames[-1]

    def literal(self, text: str) -> None:
        """Write *text* of the author's as it is."""
        for index, character in enumerate(text):
            self._step(character, text, index)
            self.text += character
            if character == "\n":
                self._line_start = len(self.text)

    def value(self, value: str) -> None:
        """Write *value* so that it arrives whole. Raises CannotQuoteError."""
        written = self._written(value)  # which may take back a backslash
        self.text += written
        self._escaped = self._boundary = self.ends_heredoc = False

    def _written(self, value: str) -> str:
        unquotable = next((_NO_QUOTING[frame] for frame in reversed(self._frames) if frame in _NO_QUOTING), None)
        safe = bool(_SAFE.fullmatch(value))
        context = self.context
        if unquotable:
            if (value and not safe) or any(value in delimiter for _dash, delimiter in self._heredocs if value):
                raise CannotQuoteError(unquotable)
            return value or ("''" if context in ("code", "paren", "backtick") else "")
        if context == "single":
            return value.replace("'", "'\\''")
        if context == "comment":
            return shlex.quote(value).replace("\n", " ")
        if self._escaped and (not safe or context == "ansi"):
            # The author's backslash would eat the first character of the value, or a quote of ours.
            self.text = self.text[:-1] + ("" if context in ("code", "paren") else "\\\\")
        if context == "double":
            escaped = re.sub(r'([\\$`"])', r"\\\1", value)
            return f'""{escaped}' if self._extends_variable(value) else escaped
        if context == "ansi":
            broken_escape = re.search(_OPEN_ESCAPE, self.text[-10:])
            return f"'{shlex.quote(value)}$'" if broken_escape else value.replace("\\", "\\\\").replace("'", "\\'")
        return shlex.quote(value)

    def _extends_variable(self, value: str) -> bool:
        """Whether bash would read the beginning of *value* as the rest of the variable's name that stands before it."""
        name = re.search(_OPEN_NAME, self.text[-200:])
        if not name or not re.match(r"\w", value, re.ASCII):
            return False
        return ends_in_dollar(self.text[: len(self.text) - len(name[0]) + 1])

    def _step(self, character: str, text: str, index: int) -> None:
        """Move over the *character* of the author's *text* at *index*."""
        context = self.context
        if self._escaped:
            self._escaped = False
            self._boundary = self._boundary and character == "\n"
        elif context in ("code", "paren"):
            self._in_code(character, text, index)
        elif context in ("single", "comment"):
            self._close_at(character, "'" if context == "single" else "\n")
        elif context == "heredoc":
            self._in_heredoc(character)
        elif character == "\\":
            self._escaped = True
        elif context in ("ansi", "backtick"):
            self._close_at(character, "'" if context == "ansi" else "`")
        elif context != "unclear":
            self._in_expanding(character, text, index)

    def _close_at(self, character: str, closer: str) -> None:
        if character == closer:
            self._frames.pop()
            self._boundary = closer == "\n"
            if closer == "\n":
                self._begin_heredocs()

    def _in_code(self, character: str, text: str, index: int) -> None:
        boundary, self._boundary = self._boundary, character in _BOUNDARY
        self.ends_heredoc = self.ends_heredoc and character == "\n"
        if character == "\\":
            self._escaped, self._boundary = True, boundary
        elif character == "#" and boundary:
            self._frames.append("comment")
        elif character in "'\"":
            ansi = character == "'" and ends_in_dollar(self.text)
            self._frames.append("ansi" if ansi else "single" if character == "'" else "double")
        elif character == ")" and self.context == "paren":
            self._frames.pop()
        elif character == "(" and not ends_in_dollar(self.text):
            self._frames.append("arithmetic" if boundary and text.startswith("((", index) else "paren")
        elif character == "\n":
            self._begin_heredocs()
        elif character == "<":
            self._note_heredoc(text, index)
        elif character in " \t" and "double" in self._frames and re.search(r"\bcase$", self.text[-5:]):
            self._frames[:] = ["unclear"]  # its patterns close parentheses that nothing opened
        else:
            self._open_expansion(character, text, index)

    def _in_expanding(self, character: str, text: str, index: int) -> None:
        """Within double quotes, ``${…}`` or arithmetic."""
        context = self.context
        if character == {"double": '"', "expansion": "}", "arithmetic": ")", "bracket": "]"}[context]:
            self._frames.pop()
            self._boundary = False
        elif character == '"':
            self._frames.append("double")
        elif character == "'" and context != "double":
            self._frames[:] = ["unclear"] if "double" in self._frames else [*self._frames, "single"]
        elif (context, character) in (("arithmetic", "("), ("bracket", "[")):
            self._frames.append(context)
        else:
            self._open_expansion(character, text, index)

    def _open_expansion(self, character: str, text: str, index: int) -> None:
        """Open what a backtick, or a bracket after a dollar, opens."""
        if character == "`":
            self._frames.append("backtick")
        elif character in "{[(" and ends_in_dollar(self.text):
            arithmetic = text.startswith("((", index)
            self._frames.append(
                {"{": "expansion", "[": "bracket", "(": "arithmetic" if arithmetic else "paren"}[character]
            )
            self._boundary = True

    def _note_heredoc(self, text: str, index: int) -> None:
        if not text.startswith("<<", index) or text.startswith("<<<", index) or self.text.endswith("<"):
            return
        found = re.compile(_HEREDOC).match(text, index + 1)
        if found:
            self._heredocs.append((found[1], next(word for word in found.groups()[1:] if word)))
        else:
            self._frames[:] = ["unclear"]

    def _begin_heredocs(self) -> None:
        if self._heredocs:
            self._frames.append("heredoc")

    def _in_heredoc(self, character: str) -> None:
        dash, delimiter = self._heredocs[0]
        line = self.text[self._line_start :]
        if character == "\n" and (line.lstrip("\t") if dash else line) == delimiter:
            del self._heredocs[0]
            if not self._heredocs:
                self._frames.pop()
                self.ends_heredoc = self._boundary = True


def ends_in_dollar(text: str) -> bool:
    """Whether *text* ends in a dollar that expands what follows: not in ``\\$``, nor in ``$$``, the shell's own id."""
    before = text.rstrip("$")
    escaped = (len(before) - len(before.rstrip("\\"))) % 2
    return (len(text) - len(before) - escaped) % 2 == 1
