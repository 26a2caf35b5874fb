"""The metadata block of a script (PEP 723,
https://packaging.python.org/en/latest/specifications/inline-script-metadata/)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mlproj.environments.declarations import pip_requirement, text_file, toml_text
from mlproj.environments.declarations.draft import Draft
from mlproj.environments.declarations.python_env_file import python_version
from mlproj.foundation.errors import InvalidProject, MlprojError, Place

_BEGIN = "# /// script"
_END = "# ///"


@dataclass(frozen=True)
class Block:
    """The TOML of a block; its first line stands in line ``first_line`` of the script."""

    toml: str
    first_line: int


def has_block(script: Path) -> bool:
    """Whether *script* is a Python file with a metadata block. An unreadable file has none."""
    try:
        return (
            script.suffix == ".py"
            and _BEGIN in (text := text_file.load(script))
            and find(text, str(script)) is not None
        )
    except MlprojError as error:
        # A second block is a mistake to be reported when the block is read, which is what the answer leads to.
        return error.place is not None and error.place.line is not None


def find(text: str, file: str) -> Block | None:
    """The ``script`` block of *text*, None without one. Raises InvalidProject when there are two."""
    lines = text.splitlines()
    blocks = []
    number = 0
    while number < len(lines):
        if lines[number] != _BEGIN:
            number += 1
            continue
        stop = number + 1
        while stop < len(lines) and (lines[stop] == "#" or lines[stop].startswith("# ")):
            stop += 1
        # The block ends with the last "# ///" of the comment, so that the TOML may hold such a line itself.
        end = next((last for last in range(stop - 1, number, -1) if lines[last] == _END), None)
        if end is not None:
            blocks.append((number, [line[2:] for line in lines[number + 1 : end]]))
        number = stop
    if len(blocks) > 1:
        raise InvalidProject(
            "a second block of script metadata", place=Place(file, blocks[1][0] + 1), hint="keep one of them (PEP 723)"
        )
    return Block("\n".join(blocks[0][1]), blocks[0][0] + 2) if blocks else None


def read_into(draft: Draft, script: Path) -> None:
    """Add what the block of *script* asks for. Raises InvalidProject."""
    text = text_file.load(script)
    draft.add_file(script)
    block = find(text, str(script))
    if block is None:
        return
    data = toml_text.parse(block.toml, str(script), first_line=block.first_line)
    python, dependencies = data.get("requires-python"), data.get("dependencies", [])
    if python is not None:
        place = toml_text.place_of(script, text, "requires-python")
        if not isinstance(python, str):
            raise InvalidProject(
                "'requires-python' must be a text", place=place, hint='write requires-python = ">=3.10"'
            )
        draft.choose_python(python_version(python, place), f"requires-python in {script.name}")
    if not isinstance(dependencies, list) or not all(isinstance(one, str) for one in dependencies):
        raise InvalidProject(
            "'dependencies' must be a list of texts", place=toml_text.place_of(script, text, "dependencies")
        )
    for one in dependencies:
        pip_requirement.add(draft, one, script.parent, toml_text.place_of(script, text, one))
    tool = data.get("tool")
    if isinstance(tool, dict) and isinstance(tool.get("uv"), dict):
        from mlproj.environments.declarations import uv_sources

        uv_sources.read_into(draft, script, tool["uv"], text)
