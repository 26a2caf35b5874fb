"""Small images made of this machine's own files, without a registry: busybox's commands, bash and Debian's Python, or
R."""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path

from mlproj.environments.python import uv

TAG = "mlproj-test:2"
TAG_R = "mlproj-test-r:1"
PYTHON = Path("/usr/bin/python3").resolve().name.removeprefix("python")
"""The minor version of its Python."""
SETTINGS = ("--change", "ENV PATH=/usr/bin:/bin", "--change", 'CMD ["sh"]')
_LEFT_OUT = re.compile(r"(__pycache__|/(test|idlelib|tkinter|ensurepip|lib2to3|pydoc_data|config-[^/]*)(/|$))")


def make(engine: str) -> str:
    """The name of the image with Python, made if the *engine* has it not."""
    return _made(engine, TAG, _python)


def make_r(engine: str) -> str:
    """The name of the image with R, made if the *engine* has it not."""
    return _made(engine, TAG_R, _r)


Content = tuple[set[Path], dict[str, str]]
"""Files, and links to them by name."""


def _made(engine: str, tag: str, content: Callable[[], Content]) -> str:
    if subprocess.run([engine, "image", "inspect", tag], capture_output=True, check=False).returncode == 0:
        return tag
    subprocess.run([engine, "import", *SETTINGS, "-", tag], input=_archive(*content()), check=True, capture_output=True)
    return tag


def archive() -> bytes:
    """The files of the image with Python, as an engine imports them with :data:`SETTINGS`."""
    return _archive(*_python())


def _python() -> Content:
    python = Path("/usr/bin/python3").resolve()
    modules = {
        path
        for path in Path(f"/usr/lib/{python.name}").rglob("*")
        if path.is_file() and not _LEFT_OUT.search(str(path))
    }
    # What uv is linked against is in every image of Debian.
    kept = {
        python,
        *modules,
        *_libraries([python, *(path for path in modules if path.suffix == ".so"), Path(uv.binary())]),
    }
    return kept, {"usr/bin/python3": python.name, "usr/bin/python": python.name}


def _r() -> Content:
    home = Path(subprocess.run(["R", "RHOME"], check=True, capture_output=True, text=True).stdout.strip())
    files = {path for folder in (home, Path("/usr/share/R/share")) for path in folder.rglob("*") if path.is_file()}
    linked = [home / "bin" / "exec" / "R", home / "bin" / "Rscript", *(path for path in files if path.suffix == ".so")]
    programs = {f"usr/bin/{name}": f"{home}/bin/{name}" for name in ("R", "Rscript")}
    encodings = [
        path
        for name in ("ISO8859-1.so", "gconv-modules*")
        for path in Path("/usr/lib").glob(f"*/gconv/{name}")
        if path.is_file()
    ]
    return {*files, *encodings, *_libraries(linked)}, {**programs, "usr/bin/which": "/bin/which"}


def _archive(files: set[Path], links: dict[str, str]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name in ("tmp", "proc", "sys", "dev", "etc", "root"):
            _add(archive, name, None, mode=0o1777 if name == "tmp" else 0o755)
        _add(archive, "etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")
        for path in sorted({*files, Path("/bin/bash"), *_libraries([Path("/bin/bash")])}):
            archive.add(path.resolve(), str(path).lstrip("/"), recursive=False)
        busybox = Path("/bin/busybox")
        archive.add(busybox, "bin/busybox")
        commands = subprocess.run([busybox, "--list"], check=True, capture_output=True, text=True).stdout.split()
        for command in {*commands} - {"bash", "busybox"}:
            _link(archive, f"bin/{command}", "busybox")
        for name, target in links.items():
            _link(archive, name, target)
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
