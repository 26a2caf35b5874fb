"""A project's own Python files, read and never run."""

from __future__ import annotations

import ast
import warnings
from pathlib import Path

from mlproj.environments.declarations import text_file


def parse(path: Path) -> ast.Module:
    """The syntax tree of *path*. Raises what :func:`ast.parse` does, and InvalidProject for what is no text.

    Python's warnings about the code, such as of invalid escapes, are for its author, not for whoever runs the project.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text_file.load(path))
