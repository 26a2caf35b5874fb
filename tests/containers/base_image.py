"""A small image made of this machine's own files, without a registry: busybox's commands, bash and Debian's Python."""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
from collections.abc import Iterable
from pathlib import Path

from mlproj.environments import uv

TAG = "mlproj-test:2"
PYTHON = Path("/usr/bin/python3").resolve().name.removeprefix("python")
"""The minor version of its Python."""
SETTINGS = ("--change", "ENV PATH=/usr/bin:/bin", "--change", 'CMD ["sh"]')
_LEFT_OUT = re.compile(r"(__pycache__|/(test|idlelib|tkinter|ensurepip|lib2to3|pydoc_data|config-[^/]*)(/|$))")


def make(engine: str) -> str:
    """The image's name, made if the *engine* has it not."""
    if subprocess.run([engine, "image", "inspect", TAG], capture_output=True, check=False).returncode == 0:
        return TAG
    subprocess.run([engine, "import", *SETTINGS, "-", TAG], input=archive(), check=True, capture_output=True)
    return TAG


def archive() -> bytes:
    """Its files, as an engine imports them with :data:`SETTINGS`."""
    python = Path("/usr/bin/python3").resolve()
    library = Path(f"/usr/lib/{python.name}")
    modules = [path for path in library.rglob("*") if path.is_file() and not _LEFT_OUT.search(str(path))]
    programs = [Path("/bin/bash"), python, *(path for path in modules if path.suffix == ".so")]
    # What uv is linked against is in every image of Debian.
    kept = {*programs, *modules, *_libraries([*programs, Path(uv.binary())])}
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name in ("tmp", "proc", "sys", "dev", "etc", "root"):
            _add(archive, name, None, mode=0o1777 if name == "tmp" else 0o755)
        _add(archive, "etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")
        for path in sorted(kept):
            archive.add(path.resolve(), str(path).lstrip("/"), recursive=False)
        busybox = Path("/bin/busybox")
        archive.add(busybox, "bin/busybox")
        commands = subprocess.run([busybox, "--list"], check=True, capture_output=True, text=True).stdout.split()
        for command in {*commands} - {"bash", "busybox"}:
            _link(archive, f"bin/{command}", "busybox")
        _link(archive, "usr/bin/python3", python.name)
        _link(archive, "usr/bin/python", python.name)
    return content.getvalue()


def _libraries(programs: Iterable[Path]) -> set[Path]:
    """What the dynamic linker wants, under the names it wants it."""
    told = subprocess.run(["ldd", *programs], check=False, capture_output=True, text=True).stdout
    return {Path(found) for found in re.findall(r"(/\S+) \(0x", told)}


def _add(archive: tarfile.TarFile, name: str, content: bytes | None, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.mode = mode
    if content is None:
        entry.type = tarfile.DIRTYPE
    else:
        entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content or b""))


def _link(archive: tarfile.TarFile, name: str, target: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, target
    archive.addfile(entry)
