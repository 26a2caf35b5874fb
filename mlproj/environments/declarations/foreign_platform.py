"""Packages that exist for another operating system only and that ``pip freeze`` there writes into a project's files."""

from __future__ import annotations

import sys

# Source: the classifiers and wheels these projects publish on PyPI (Operating System :: Microsoft :: Windows / MacOS).
_WINDOWS_WORDS = """
comtypes menuinst pypiwin32 pyreadline pywin32 pywin32-ctypes pywinauto pywinpty tensorflow-intel win-inet-pton
win-unicode-console win10toast wincertstore windows-curses winrt winshell wmi
"""
_WINDOWS = frozenset(_WINDOWS_WORDS.split())
_MACOS = frozenset(["appscript", "mac-alias", "pyobjc", "tensorflow-metal"])
_MACOS_TWINS = {"tensorflow-macos": "tensorflow"}


def reason_to_skip(name: str) -> str | None:
    """Why the package of this canonical *name* is left out on this platform ("packages for …"), None when it is not."""
    if name in _WINDOWS and sys.platform != "win32":
        return "packages for Windows only"
    if sys.platform != "darwin" and (name in _MACOS or name.startswith("pyobjc-")):
        return "packages for macOS only"
    return None


def counterpart(name: str) -> str | None:
    """The package that does here what *name* does on its own platform, if it has one."""
    return None if sys.platform == "darwin" else _MACOS_TWINS.get(name)
