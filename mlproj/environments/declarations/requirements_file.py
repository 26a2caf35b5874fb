"""requirements.txt as pip reads it.

The format: https://pip.pypa.io/en/stable/reference/requirements-file-format/ (comments, continued lines, ``${VAR}``,
nested files, options). The same lines stand in ``python_env.yaml`` and in the ``pip:`` section of ``conda.yaml``.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from mlproj.environments.declarations import pip_requirement, text_file
from mlproj.environments.declarations.draft import Draft
from mlproj.foundation import presence
from mlproj.foundation.errors import InvalidProject, Place, did_you_mean
from mlproj.foundation.redaction import looks_secret, redact

_COMMENT = re.compile(r"(^|\s+)#.*$")
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
_OPTIONS_BEGIN = re.compile(r"(?:^|\s)(?=--?[A-Za-z])")
_MAX_FILES = 100
_QUOTES = {"'", '"', "\\"}
_LONGEST = 200_000  # characters of options with quotes in a line; splitting it takes time with its square

_SHORT = {"-r": "--requirement", "-c": "--constraint", "-e": "--editable", "-i": "--index-url", "-f": "--find-links"}
_SAME = {"--pypi-url": "--index-url"}
_NESTED = ("--requirement", "--constraint", "--editable")
_WITH_VALUE = ("--index-url", "--extra-index-url", "--find-links", "--trusted-host", "--no-binary", "--only-binary")
_FLAGS = ("--no-index", "--pre", "--require-hashes", "--prefer-binary")
# Accepted by pip, or common on its command line, and without meaning for what is installed here.
_IGNORED_WITH_VALUE = ("--use-feature", "--global-option", "--install-option", "--config-settings", "--config-setting")
_IGNORED_FLAGS = (
    "--use-wheel",
    "--process-dependency-links",
    "--always-unzip",
    "--upgrade",
    "-U",
    "--no-cache-dir",
    "--user",
    "-q",
    "--quiet",
)
_KNOWN = (*_NESTED, *_WITH_VALUE, *_FLAGS, *_IGNORED_WITH_VALUE, *_IGNORED_FLAGS, "--hash")


def read_into(draft: Draft, path: Path, *, constraints: bool = False, chain: tuple[Path, ...] = ()) -> None:
    """Add what the file *path* asks for to *draft*. *chain* are the files that led here. Raises InvalidProject."""
    if path in chain:
        raise InvalidProject(
            "the requirements files include each other in a circle: " + " → ".join(p.name for p in (*chain, path)),
            place=Place(str(path)),
        )
    if path in draft.files and chain:
        return
    if len(draft.files) >= _MAX_FILES:
        raise InvalidProject(f"more than {_MAX_FILES} requirements files include each other", place=Place(str(path)))
    text = text_file.load(path)
    draft.add_file(path)
    secrets = {name: value for name, value in os.environ.items() if looks_secret(name)}
    for number, line in logical_lines(text):
        place = Place(str(path), number, text=redact(line, secrets))
        add_line(draft, line, path.parent, place, constraints=constraints, chain=(*chain, path))


def add_text(draft: Draft, text: str, folder: Path, place: Place) -> None:
    """Add lines that stand in another kind of file, at *place*; paths are relative to *folder*. Raises
    InvalidProject."""
    for _number, line in logical_lines(text):
        add_line(draft, line, folder, place)


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with the number of their first line: continued ones joined, comments gone, ``${VAR}`` expanded as pip
    does."""
    for number, line in _joined(text):
        line = _COMMENT.sub("", line).strip()
        if line:
            yield number, _VARIABLE.sub(lambda found: os.environ.get(found[1]) or found[0], line)


def _joined(text: str) -> Iterator[tuple[int, str]]:
    first, parts = 1, list[str]()
    for number, line in enumerate(text.splitlines(), start=1):
        if not parts:
            first = number
        comment = line.lstrip().startswith("#")
        if line.endswith("\\") and not comment:
            parts.append(line[:-1])
            continue
        # A comment ends a continued line; the space keeps it from growing into the last word.
        yield first, "".join([*parts, " " + line if comment else line])
        parts = []
    if parts:
        yield first, "".join(parts)


def add_line(
    draft: Draft, line: str, folder: Path, place: Place, *, constraints: bool = False, chain: tuple[Path, ...] = ()
) -> None:
    """Add one requirement or option line; paths are relative to *folder*. Raises InvalidProject at *place*."""
    begin = _OPTIONS_BEGIN.search(line)
    requirement = line[: begin.start()].strip() if begin else line.strip()
    hashes = _options(draft, line[begin.start() :], folder, place, chain) if begin else ()
    if not requirement:
        return
    _tell_unset(draft, requirement, place)
    if constraints:
        parsed = pip_requirement.parse(draft, requirement, folder, place)
        draft.constraints.extend([" ".join((parsed, *hashes))] if parsed else [])
    else:
        pip_requirement.add(draft, requirement, folder, place, hashes=hashes)


def _options(draft: Draft, text: str, folder: Path, place: Place, chain: tuple[Path, ...]) -> tuple[str, ...]:
    """Act on every option of a line; its ``--hash=…`` words are returned, as they belong to the requirement."""
    hashes = []
    words = iter(_words(text, place))
    for word in words:
        name, value = _split(word)
        if name not in _KNOWN:
            raise _unknown(name, place)
        if value is None and name in (*_NESTED, *_WITH_VALUE, *_IGNORED_WITH_VALUE, "--hash"):
            value = next(words, None)
            if value is None:
                raise InvalidProject(f"the option {name} lacks its value", place=place)
        if name == "--hash":
            hashes.append(f"--hash={value}")
        elif name == "--editable":
            # A marker after -e is not split off by pip's own grammar; it belongs to the same option.
            _add_editable(draft, value or "", folder, place)
        elif name in _NESTED:
            _include(draft, value or "", folder, place, constraints=name == "--constraint", chain=chain)
        elif name in _WITH_VALUE:
            _tell_unset(draft, value or "", place)
            draft.add_option(name, _find_links(value or "", folder) if name == "--find-links" else value or "")
        elif name in _FLAGS:
            draft.add_option(name)
        else:
            draft.warn(f"the option {name} has no effect here", place)
    return tuple(hashes)


def _tell_unset(draft: Draft, text: str, place: Place) -> None:
    if unset := _VARIABLE.search(text):
        draft.warn(f"the environment variable {unset[1]} is not set; {unset[0]} stays as it is written", place)


def _words(text: str, place: Place) -> list[str]:
    if not _QUOTES & {*text}:
        return text.split()
    if len(text) > _LONGEST:
        raise InvalidProject(f"the quoted options of this line have more than {_LONGEST:,} characters", place=place)
    try:
        return shlex.split(text)
    except ValueError as error:
        raise InvalidProject(f"the options cannot be read: {str(error).lower()}", place=place) from None


def _split(word: str) -> tuple[str, str | None]:
    """``--name=value``, ``--name``, ``-rfile`` or ``-r`` as (long name, value)."""
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        return _SAME.get(name, name), value if equals else None
    long = _SHORT.get(word[:2])
    return (long, word[2:].lstrip("=") or None) if long else (word, None)


def _unknown(name: str, place: Place) -> InvalidProject:
    close = did_you_mean(name, _KNOWN) if name.startswith("-") else None
    found = f"unknown option {name}" if name.startswith("-") else f"'{redact(name)}' after an option"
    return InvalidProject(
        found,
        place=place,
        hint=f"did you mean {close}?" if close else "expected a requirement or an option of requirements files",
    )


def _add_editable(draft: Draft, value: str, folder: Path, place: Place) -> None:
    if re.match(r"(?:git|hg|svn|bzr)\+|https?://", value, re.IGNORECASE):
        draft.editables.append(pip_requirement.repository_address(draft, value))
    else:
        path, bracket, extras = value.partition("[")
        draft.editables.append(pip_requirement.local_path(path, folder, place))
        if bracket:
            # An installer joins the two: the folder is installed in place, and its extras with it.
            draft.packages.append(pip_requirement.local_path(f"{path}[{extras}", folder, place))


def _include(
    draft: Draft, value: str, folder: Path, place: Place, *, constraints: bool, chain: tuple[Path, ...]
) -> None:
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", value):
        # What a URL gives tomorrow is in no commit, lock or key.
        raise InvalidProject(
            f"the file {redact(value)} is included by its URL",
            place=place,
            hint="download it into the project and name it there",
        )
    path = Path(os.path.normpath(folder / value))
    if "\0" in value or not presence.is_file(path):
        raise InvalidProject(
            f"the file '{redact(value)}' that this line includes does not exist", place=place, hint=_files_there(path)
        )
    read_into(draft, path, constraints=constraints, chain=chain)


def _files_there(path: Path) -> str:
    try:
        names = [found.name for found in path.parent.iterdir()]
    except (OSError, ValueError):
        names = []
    close = did_you_mean(path.name, names)
    return f"did you mean {close}?" if close else "the path is relative to the file that names it"


def _find_links(value: str, folder: Path) -> str:
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", value) or Path(value).is_absolute():
        return value
    return str(Path(os.path.normpath(folder / value)))
