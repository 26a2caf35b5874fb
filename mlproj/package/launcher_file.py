"""Makes the one file that :mod:`mlproj.package.launcher` is in an image: an archive that Python runs (PEP 441)."""

from __future__ import annotations

import ast
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import mlproj

NAME = "launcher.pyz"
MODULES = (
    *("foundation.errors", "foundation.dataclass", "foundation.override", "foundation.redaction"),
    *("package.launcher", "package.entry_points", "projects.base", "projects.assignment", "projects.command"),
    *("projects.parameter", "projects.path_value", "projects.rendering", "projects.shell", "projects.template"),
    *("projects.resolution", "projects.discovery", "projects.file_system", "projects.harmless", "projects.nested_code"),
    *("projects.code_argument", "projects.interpreter", "projects.shell_command", "projects.shell_word"),
    "projects.written",
)
"""What is in it of mlproj. These keep to what Python 3.6 can read, but for their annotations."""

_MAIN = "import sys\n\nfrom mlproj.package.launcher import main\n\nsys.exit(main())\n"
_FUTURE = b"from __future__ import annotations\n"
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip archive can say


def content() -> bytes:
    """The archive; the same bytes for the same mlproj."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:  # an image's Python may lack zlib
        for name, text in sorted(_files()):
            archive.writestr(zipfile.ZipInfo(name, _FIRST_DAY), text)
    return stream.getvalue()


def _files() -> Iterator[tuple[str, bytes]]:
    yield "__main__.py", _MAIN.encode()
    yield "mlproj/__init__.py", b""
    for room in {module.partition(".")[0] for module in MODULES}:
        yield f"mlproj/{room}/__init__.py", b""
    for module in MODULES:
        path = f"{module.replace('.', '/')}.py"
        yield f"mlproj/{path}", with_quotedannotations(Path(mlproj.__file__).parent.joinpath(path).read_bytes())


def with_quotedannotations(source: bytes) -> bytes:
    """*source* with every annotation as a text, which is what ``from __future__ import annotations`` makes of it;
    Python 3.6 has no such import, and would look up what the annotations name."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for node in sorted(
        annotations_of(ast.parse(source)), key=lambda node: (node.lineno, node.col_offset), reverse=True
    ):
        assert node.end_lineno is not None and node.end_col_offset is not None
        begin, end = starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset
        source = source[:begin] + repr(source[begin:end].decode()).encode() + source[end:]
    return source.replace(_FUTURE, b"\n")


def annotations_of(tree: ast.Module) -> Iterator[ast.expr]:
    """All annotations in *tree*."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.arg, ast.AnnAssign)) and node.annotation is not None:
            yield node.annotation
        elif isinstance(node, ast.FunctionDef) and node.returns is not None:
            yield node.returns
