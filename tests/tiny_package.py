"""A package whose build needs nothing that is not in its folder."""

from __future__ import annotations

_PYPROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "tiny"
version = "3"
"""
_BACKEND = """\
import zipfile


def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "tiny-3-py3-none-any.whl"
    with zipfile.ZipFile(folder + "/" + name, "w") as wheel:
        wheel.writestr("tiny.py", open("tiny.py").read())
        wheel.writestr("tiny-3.dist-info/METADATA", "Metadata-Version: 2.1\\nName: tiny\\nVersion: 3\\n")
        tags = "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
        wheel.writestr("tiny-3.dist-info/WHEEL", tags)
        wheel.writestr("tiny-3.dist-info/RECORD", "")
    return name


build_editable = build_wheel
"""
BROKEN = "def build_wheel(*_): raise SystemExit('it cannot be built')\n"


def files(x: str = "tiny", backend: str = _BACKEND, folder: str = "tiny") -> dict[str, str]:
    """The package's files by name: ``tiny.x`` is *x*."""
    return {
        f"{folder}/pyproject.toml": _PYPROJECT,
        f"{folder}/backend.py": backend,
        f"{folder}/tiny.py": f"x = {x!r}\n",
    }
