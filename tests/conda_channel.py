"""Channels of real conda packages: a Python that can be moved (this one), pure libraries, and files."""

from __future__ import annotations

import bz2
import hashlib
import io
import json
import os
import re
import sys
import tarfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

Content = bytes | str | Path
_LEFT_OUT = re.compile(
    r"(^|/)(site-packages|dist-packages|__pycache__|test|tests|idlelib|tkinter|turtledemo|lib2to3|ensurepip|config-[^/]*)(/|$)|\.a$"
)
PYTHON = ".".join(map(str, sys.version_info[:3]))
_MINOR = ".".join(map(str, sys.version_info[:2]))


class Channel:
    """A channel in *folder*; :meth:`index` makes what was added known."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._records: dict[str, dict[str, Any]] = {"noarch": {}, _platform(): {}}

    def add(self, name: str, version: str, files: Mapping[str, Content] | None = None, **fields: Any) -> Path:
        """Add a package; *fields* are those of its index, such as ``depends``, ``noarch`` and ``timestamp``
        (milliseconds)."""
        subdir = "noarch" if fields.get("noarch") else fields.pop("subdir", _platform())
        build = fields.pop("build", "0")
        index = {
            "name": name,
            "version": version,
            "build": build,
            "build_number": 0,
            "depends": [],
            "subdir": subdir,
            **fields,
        }
        file = self.folder / subdir / f"{name}-{version}-{build}.tar.bz2"
        file.parent.mkdir(parents=True, exist_ok=True)
        archive = _archive(index, files or {})
        file.write_bytes(archive)
        digests = {
            "sha256": hashlib.sha256(archive).hexdigest(),
            "md5": hashlib.md5(archive).hexdigest(),
            "size": len(archive),
        }
        self._records[subdir][file.name] = {**index, **digests}
        return file

    def library(self, name: str, version: str, code: str = "", **fields: Any) -> Path:
        """Add a pure Python library with a module of its own name."""
        module = name.replace("-", "_")
        info = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        files = {
            f"site-packages/{module}.py": f"__version__ = {version!r}\n{code}",
            f"site-packages/{module}-{version}.dist-info/METADATA": info,
            f"site-packages/{module}-{version}.dist-info/RECORD": "",
        }
        return self.add(name, version, files, noarch="python", **{"depends": ["python"], **fields})

    def python(self, **fields: Any) -> Path:
        """Add the Python that runs this, as a package."""
        return self.add(
            "python", PYTHON, _python_files(), python_site_packages_path=f"lib/python{_MINOR}/site-packages", **fields
        )

    def index(self) -> None:
        """Write what there is to ``repodata.json``."""
        for subdir, records in self._records.items():
            (self.folder / subdir).mkdir(parents=True, exist_ok=True)
            content = {"info": {"subdir": subdir}, "packages": records, "packages.conda": {}, "repodata_version": 1}
            (self.folder / subdir / "repodata.json").write_text(json.dumps(content))


def _platform() -> str:
    machine = os.uname().machine
    return {"x86_64": "linux-64"}.get(machine, f"linux-{machine}")


def _archive(index: dict[str, Any], files: Mapping[str, Content]) -> bytes:
    plain = io.BytesIO()
    described = []
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for name, content in files.items():
            if isinstance(content, str) and content.startswith("-> "):
                entry = tarfile.TarInfo(name)
                entry.type, entry.linkname = tarfile.SYMTYPE, content.removeprefix("-> ")
                archive.addfile(entry)
                described.append(
                    {
                        "_path": name,
                        "path_type": "softlink",
                        "sha256": hashlib.sha256(b"").hexdigest(),
                        "size_in_bytes": 0,
                    }
                )
                continue
            data = (
                content.read_bytes()
                if isinstance(content, Path)
                else content.encode()
                if isinstance(content, str)
                else content
            )
            _add(archive, name, data, 0o755 if name.startswith("bin/") else 0o644)
            fact = {
                "_path": name,
                "path_type": "hardlink",
                "sha256": hashlib.sha256(data).hexdigest(),
                "size_in_bytes": len(data),
            }
            described.append(
                fact
                | ({"prefix_placeholder": PLACEHOLDER, "file_mode": "text"} if PLACEHOLDER.encode() in data else {})
            )
        _add(archive, "info/index.json", json.dumps(index).encode())
        _add(archive, "info/paths.json", json.dumps({"paths_version": 1, "paths": described}).encode())
        _add(archive, "info/files", "".join(f"{fact['_path']}\n" for fact in described).encode())
        if index.get("noarch") == "python":
            _add(
                archive,
                "info/link.json",
                json.dumps({"noarch": {"type": "python"}, "package_metadata_version": 1}).encode(),
            )
    return bz2.compress(plain.getvalue(), 1)


PLACEHOLDER = "/opt/placeholder_placeholder_placeholder_placeholder"
"""What stands for the environment's folder in text files."""


def _add(archive: tarfile.TarFile, name: str, data: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), mode
    archive.addfile(entry, io.BytesIO(data))


@lru_cache(maxsize=1)
def _python_files() -> Mapping[str, Content]:
    """The running Python below a folder of its own: it finds its library from where it is."""
    base = Path(sys.base_prefix)
    library = base / "lib" / f"python{_MINOR}"
    files: dict[str, Content] = {}
    for path in sorted(library.rglob("*")):
        name = path.relative_to(base).as_posix()
        if path.is_file() and not _LEFT_OUT.search(name):
            files[name] = path
    program = (base / "bin" / f"python{_MINOR}").resolve().read_bytes()
    shared = sorted((base / "lib").glob(f"libpython{_MINOR}*.so*"))
    files |= {f"lib/{path.name}": path.resolve() for path in shared}
    # Where a shared library is looked for is an absolute path in the program; a relative one takes its place.
    old, new = f"{base}/lib\0".encode(), b"$ORIGIN/../lib\0"
    if shared and old in program:
        program = program.replace(old, new.ljust(len(old), b"\0"))
    files[f"bin/python{_MINOR}"] = program
    files["bin/python3"] = files["bin/python"] = f"-> python{_MINOR}"
    files[f"lib/python{_MINOR}/site-packages/README.txt"] = "packages\n"
    return files
