"""Values in a command arrive whole: asked of bash itself, in every context and for whatever they hold."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlproj.projects.shell import CannotQuoteError, Writer, ends_in_dollar

# Characters that a shell makes something of, and ordinary ones.
VALUES = st.text(
    st.sampled_from("'\"\\$`(){}[]!#;&|<> \n\t*?~=-+ab1x_é\u2028")
    | st.characters(exclude_characters="\0", exclude_categories=["Cs"]),
    max_size=12,
)

# What stands before the value, what after, and what bash should make of both: the argument is prefix + value + suffix.
CONTEXTS = {
    "bare": ("", "", "", ""),
    "joined": ("pre", "post", "pre", "post"),
    "single quotes": ("'a b ", " c'", "a b ", " c"),
    "double quotes": ('"a b ', ' c"', "a b ", " c"),
    "empty double quotes": ('"', '"', "", ""),
    "escaped quote before": ('"\\" ', '"', '" ', ""),
    "after single-quoted part": ("'x y'", "", "x y", ""),
    "between single-quoted parts": ("'x'", "'y'", "x", "y"),
    "dollar in single quotes": ("'$'", "", "$", ""),
    "ansi-c quotes": ("$'a\\'b\\t", "c'", "a'b\t", "c"),
    "ansi-c quotes, open escape": ("$'\\x4", "'", "\x04", ""),
    "escaped backslash": ("\\\\", "", "\\", ""),
    "escaped backslash in double quotes": ('"\\\\', '"', "\\", ""),
    "variable in double quotes": ('"$UNSET', '"', "", ""),
    "braced variable in double quotes": ('"${UNSET}', '"', "", ""),
    "default of a variable before": ('"${UNSET:-a b}', '"', "a b", ""),
    "locale quotes": ('$"a', '"', "a", ""),
    "after a comment": ("# it's \"a comment\n", "", "", ""),
    "hash within a word": ("a#b'", "'", "a#b", ""),
    "after an escaped blank and a hash": ("\\ #'", "'", " #", ""),
    "after arithmetic": ("$((1+(2*3)))", "", "7", ""),
    "after old arithmetic": ("$[1+2]", "", "3", ""),
    "after backticks": ("`printf '%s' a`", "", "a", ""),
    "continued line": ("a\\\n", "", "a", ""),
}


def arguments(command: str) -> list[str]:
    """The arguments that bash gives to a program for *command*."""
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, check=True, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    )
    assert not done.stderr
    return done.stdout.decode().split("\0")[:-1]


def write(*parts: str) -> str:
    """A command of literals and values in turn."""
    writer = Writer()
    for index, part in enumerate(parts):
        (writer.value if index % 2 else writer.literal)(part)
    return writer.text


@pytest.mark.parametrize("context", CONTEXTS)
@settings(max_examples=25, deadline=None)
@given(value=VALUES)
def test_a_value_arrives_whole_in_every_context(context: str, value: str) -> None:
    before, after, prefix, suffix = CONTEXTS[context]
    lead = "printf '%s\\0' "
    text = write(before + lead if before.startswith("#") else lead + before, value, after)

    assert arguments(text) == [prefix + value + suffix]


@settings(max_examples=60, deadline=None)
@given(first=VALUES, second=VALUES, third=VALUES)
def test_values_do_not_disturb_one_another(first: str, second: str, third: str) -> None:
    text = write("printf '%s\\0' ", first, ' "<', second, ">\" '", third, "'")

    assert arguments(text) == [first, f"<{second}>", third]


@settings(max_examples=40, deadline=None)
@given(value=VALUES)
def test_a_value_arrives_whole_in_a_command_substitution(value: str) -> None:
    for before, after in (
        ("$(printf '%s.' ", ")"),
        ("\"$(printf '%s.' ", ')"'),
        ("\"$(printf '%s.' \"", '")"'),
        ('"$(printf "%s." \'', "')\""),
    ):
        text = write("IFS= read -rd '' x < <(printf '%s' ", value, "); printf '%s\\0' " + before, value, after)
        if before.startswith('"'):
            assert arguments(text) == [value + "."]


@settings(max_examples=40, deadline=None)
@given(value=VALUES)
def test_a_value_in_a_comment_stays_in_it(value: str) -> None:
    assert arguments(write("printf '%s\\0' a # note ", value, "\nprintf '%s\\0' b")) == ["a", "b"]


@settings(max_examples=40, deadline=None)
@given(value=VALUES)
def test_a_backslash_before_a_value_eats_none_of_it(value: str) -> None:
    for before, after, prefix in (("\\", "", ""), ('"\\', '"', "\\"), ("$'\\", "'", "\\")):
        assert arguments(write("printf '%s\\0' " + before, value, after)) == [prefix + value]


@pytest.mark.parametrize(
    "before",
    ["`echo ", "echo ${X:-", 'echo "${X:-', "echo $((", "echo $[", "((x = ", "cat <<EOF\n", "cat <<'E O'\n",
     'cat <<"E"\n', "cat <<-\\EOF\n\t", "cat <<$X\n", 'echo "$(case a in a) echo ', "echo \"${X%'a'"],
)  # fmt: skip
def test_where_bash_cannot_quote_only_harmless_values_are_taken(before: str) -> None:
    assert write(before, "a-b.1/c").endswith("a-b.1/c")
    for value in ("a b", "$(id)", "x[$(id)]", "a\nEOF\nid", "'"):
        with pytest.raises(CannotQuoteError):
            write(before, value)


def test_an_empty_value_is_taken_everywhere() -> None:
    assert write('echo "${X:-', "", '}"') == 'echo "${X:-}"'
    assert write("echo `echo ", "", "`") == "echo `echo ''`"


def test_a_value_cannot_end_a_here_document() -> None:
    for before, value in (("cat <<EOF\n", "EOF"), ("cat <<EOF\nE", "OF")):
        with pytest.raises(CannotQuoteError):
            write(before, value, "\n")


def test_after_a_here_document_values_are_quoted_again() -> None:
    text = write("cat <<A <<-B >/dev/null\nit's $x\nA\n\t\"\n\tB\nprintf '%s\\0' ", "a b's")

    assert arguments(text) == ["a b's"]


@pytest.mark.parametrize("text", ["cat <<<x ", "echo $((1<<2)) ", "cat < <(echo) "])
def test_other_uses_of_the_angle_are_no_here_documents(text: str) -> None:
    assert write(text + "\n", "a b") == f"{text}\n'a b'"


def test_harmless_values_are_written_as_they_are() -> None:
    for before in ("", "'", '"', "$'", "`", "# ", "\\", '"\\'):
        assert write(before, "a-b_1.0/x@y") == before + "a-b_1.0/x@y"


def test_a_comment_may_follow_a_case_pattern_outside_of_quotes(tmp_path: Path) -> None:
    assert arguments(write("case a in a) printf '%s\\0' ", "x y", ";; esac # it's done")) == ["x y"]


def test_the_end_of_a_here_document_is_noticed() -> None:
    writer = Writer()
    writer.literal("cat <<E\nx\nE\n\n")
    assert writer.ends_heredoc
    writer.literal("echo")
    assert not writer.ends_heredoc


@pytest.mark.parametrize(
    ("text", "expected"),
    [("$", True), ("a$", True), ("$$", False), ("\\$", False), ("\\\\$", True), ("\\$$", True), ("", False)],
)
def test_a_dollar_expands_unless_escaped_or_doubled(text: str, expected: bool) -> None:
    assert ends_in_dollar(text) is expected


FRAGMENTS = st.lists(
    st.sampled_from(
        ["V", "V", "V", " ", " ", "'", '"', "$'", '$"', "\\", "\\\\", "#", " # ", "\n", "$(printf %s ", ")", "(", "{",
         "}", "${x:-", "`", "$((1+", "))", "$[", "]", "a", "=", ";", " && printf '%s\\0' ", "<<E\n",
         "\nE\n", "case a in a) ", ";; esac", "\t", "[", "<(echo ", "|", "$HOME/"]
    ),
    max_size=12,
)  # fmt: skip


def outcome(template: list[str], value: str) -> tuple[bytes, int] | None:
    """What bash prints for *template* with *value* for every V, and its exit code; None where the value is refused."""
    writer = Writer()
    try:
        for piece in ["printf '%s\\0' ", *template]:
            (writer.value if piece == "V" else writer.literal)(value if piece == "V" else piece)
    except CannotQuoteError:
        return None
    environ = {"PATH": "/nowhere", "LC_ALL": "C.UTF-8", "HOME": "/home"}
    done = subprocess.run(
        ["/bin/bash", "-c", writer.text], capture_output=True, check=False, env=environ, stdin=subprocess.DEVNULL
    )
    return done.stdout, done.returncode


@settings(max_examples=150, deadline=None)
@given(template=FRAGMENTS, value=VALUES.filter(lambda text: text != ""))
def test_no_value_changes_what_a_command_does(template: list[str], value: str) -> None:
    harmless = outcome(template, "Qx")
    hostile = outcome(template, value)

    if harmless is not None and hostile is not None and harmless[1] == 0 and b"Qx" in harmless[0]:
        assert hostile[0] == harmless[0].replace(b"Qx", value.encode())
