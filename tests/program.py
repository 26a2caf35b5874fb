"""The program as its users meet it: a process with streams and an exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """Standard output as the one JSON document that ``--json`` promises."""
        loaded: dict[str, Any] = json.loads(self.out)
        return loaded


def start(
    *arguments: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None, **options: Any
) -> subprocess.Popen[bytes]:
    """``mlproj ARGUMENTS`` as a process; its ``bin`` folder is on PATH, so that pipelines find it too."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.Popen(
        [sys.executable, "-m", "mlproj", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PATH": path, **(env or {})},
        stdin=options.pop("stdin", subprocess.DEVNULL),
        stdout=options.pop("stdout", subprocess.PIPE),
        stderr=options.pop("stderr", subprocess.PIPE),
        **options,
    )


def mlproj(*arguments: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> Result:
    """``mlproj ARGUMENTS`` run to its end."""
    process = start(*arguments, cwd=cwd, env=env)
    out, err = process.communicate()
    return Result(process.returncode, out.decode(), err.decode())


def project(folder: Path, text: str, **files: str) -> Path:
    """A project folder with this MLproject; other files are named with ``__`` for the dot."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "MLproject").write_text(text)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content)
    return folder
