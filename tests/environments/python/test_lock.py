from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mlproj.environments.declarations.requirements import Requirements
from mlproj.environments.python import installer, interpreter, lock
from mlproj.foundation.errors import EnvironmentFailure
from mlproj.foundation.progress import Silent
from tests.environments.conftest import ResolveRequest, run, utc
from tests.heard import Heard
from tests.package_index import Index, Release


def test_pip_setuptools_and_wheel_are_there_unless_the_project_names_them() -> None:
    assert lock.requirement_lines(Requirements(packages=("apple",))) == ["apple", "pip", "setuptools<82", "wheel"]
    named = Requirements(packages=("apple",), build_dependencies=("pip==20.0.2", "SetupTools==44.0.0"))
    assert lock.requirement_lines(named) == ["pip==20.0.2", "SetupTools==44.0.0", "apple", "wheel"]


def test_folders_become_urls_and_remote_editables_become_copies() -> None:
    lines = lock.requirement_lines(
        Requirements(packages=("/a b/c",), editables=("/d", "git+https://example.org/e.git"))
    )
    assert lines[:3] == ["file:///a%20b/c", "git+https://example.org/e.git", "-e file:///d"]


def test_options_of_pip_are_taken_over_where_uv_knows_them() -> None:
    options = (
        "--extra-index-url",
        "https://b/simple",
        "--find-links=/x",
        "--no-index",
        "--pre",
        "--trusted-host",
        "h",
        "--no-binary",
        "y",
    )
    assert lock.option_lines(options) == [
        "--extra-index-url https://b/simple",
        "--find-links /x",
        "--no-binary y",
        "--no-index",
    ]
    flags = lock._flags(options)
    assert flags == ["--allow-insecure-host", "h", "--prerelease", "allow", "--index-strategy", "unsafe-best-match"]


@pytest.mark.parametrize(
    ("requirement", "name"),
    [
        ("Foo.Bar_baz>=1", "foo-bar-baz"),
        ("a[b]==1; x", "a"),
        ("/a/b", None),
        ("file:///a", None),
        ("git+https://h/x", None),
        ("a @ https://h", "a"),
    ],
)
def test_names_are_compared_as_the_index_does(requirement: str, name: str | None) -> None:
    assert lock.name_of(requirement) == name


def test_a_kept_lock_holds_neither_credentials_nor_paths_of_the_checkout() -> None:
    text = 'path = "/checkout/1/lib"\nother = "/checkout/1"\nurl = "https://user:secret@h/x.whl"\n'
    assert lock.portable(text, Path("/checkout/1")) == 'path = "lib"\nother = "."\nurl = "https://****@h/x.whl"\n'


def test_a_lock_that_is_no_toml_is_an_error() -> None:
    with pytest.raises(EnvironmentFailure, match="no TOML"):
        lock.packages("not = [toml")


def test_pip_is_given_hashes_only_when_every_package_has_some() -> None:
    wheel = {
        "name": "a",
        "version": "1",
        "wheels": [{"hashes": {"sha256": "ff"}}],
        "sdist": {"hashes": {"sha256": "ee"}},
    }
    vcs = {"name": "b", "vcs": {"type": "git", "url": "https://h/b.git", "commit-id": "c0ffee"}}
    assert installer.pip_lines([wheel]) == ["a==1 --hash=sha256:ee --hash=sha256:ff"]
    assert installer.pip_lines([wheel, vcs, {"name": "c", "directory": {"path": "/c", "editable": True}}]) == [
        "a==1",
        "b @ git+https://h/b.git@c0ffee",
        "-e /c",
    ]
    assert installer.pip_lines([{"name": "d", "archive": {"url": "https://h/d.zip"}, "marker": "os_name == 'x'"}]) == [
        "d @ https://h/d.zip ; os_name == 'x'"
    ]


def test_a_lock_for_one_python_says_so() -> None:
    text = 'lock-version = "1.0"\nrequires-python = ">=3.11.7"\n[[packages]]\n'

    assert lock.narrowed(text, "3.11.7") == 'lock-version = "1.0"\nrequires-python = "==3.11.*"\n[[packages]]\n'


def test_the_address_of_a_local_file_holds_no_hash() -> None:
    assert (
        lock.requirement_lines(Requirements(packages=("/a b/c.whl --hash=sha256:ab",)))[0]
        == "file:///a%20b/c.whl --hash=sha256:ab"
    )


def test_an_older_wheel_is_preferred_to_a_newer_source_where_that_is_asked_for(
    index: Index, ask: ResolveRequest
) -> None:
    index.add(Release("apple", "1.0"))
    index.add_source("apple", "2.0")
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    wanted = Requirements(python=here, options=("--prefer-binary",))
    assert ask("apple", requirements=wanted).prepare(Silent()).packages["apple"] == "1.0"
    with pytest.raises(EnvironmentFailure, match="apple"):
        ask("apple", requirements=Requirements(python=here)).prepare(Silent())


# What setuptools.build_meta does, for one package and one version of it.
_LEGACY = """
import os, zipfile
class __legacy__:
    @staticmethod
    def get_requires_for_build_wheel(settings=None): return []
    @staticmethod
    def build_wheel(folder, settings=None, metadata=None):
        with zipfile.ZipFile(os.path.join(folder, "plum-1.0-py3-none-any.whl"), "w") as wheel:
            wheel.writestr("plum.py", open("plum.py").read())
            wheel.writestr("plum-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: plum\\nVersion: 1.0\\n")
            told = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
            wheel.writestr("plum-1.0.dist-info/WHEEL", told)
            wheel.writestr("plum-1.0.dist-info/RECORD", "")
        return "plum-1.0-py3-none-any.whl"
"""


def test_packages_older_than_what_builds_them_are_built_with_the_oldest_that_can(
    index: Index, ask: ResolveRequest, progress: Heard
) -> None:
    index.add_legacy_source("plum", "1.0", "2017-05-01T00:00:00Z")
    modules = {"setuptools/__init__.py": "", "setuptools/build_meta.py": _LEGACY}
    index.add(Release("setuptools", "40.8.0", "2019-02-05T00:00:00Z", modules=modules))
    this = interpreter.Interpreter("/bin/python3.6", "PATH", "3.6.15", "cpython", "linux", "glibc-2.31")
    flags = lock.bounds(utc("2018-06-01"), this)
    assert flags[2:] == ["--exclude-newer-package", "setuptools=2019-02-12T00:00:00Z"]
    prepared = ask("plum", as_of="2018-06-01").prepare(progress)
    assert run(prepared, "python", "-c", "import plum; print(plum.x)") == "built"
    assert progress.notes == [
        "packages without wheels are built with setuptools of 2019-02: installers ask for no older one"
    ]


def test_pip_builds_with_the_setuptools_of_the_environment_only_where_it_can() -> None:
    assert [
        pin for pin in ("pip==9.0", "setuptools==39.2", "setuptools==40.8.0", "wheel==0.31") if installer._builds(pin)
    ] == [
        "setuptools==40.8.0",
        "wheel==0.31",
    ]
