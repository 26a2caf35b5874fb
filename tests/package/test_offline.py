"""``--offline``: everything comes along, and nothing of the machine that packaged it."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import tiny_package
from tests.package.packed import committed, manifest, names, package
from tests.package_index import Index, Release
from tests.program import mlproj, project

MINOR = ".".join(map(str, sys.version_info[:2]))
MAIN = """
import os, sys, flat, local, tiny
beside = open(os.path.join(os.path.dirname(local.__file__), "beside.txt")).read()
print(flat.__version__, tiny.x, local.x, beside, sys.version_info[:2])
"""
SAID = f"2.0 tiny here beside {sys.version_info[:2]}\n"
# Installed in place it is a link to its folder; its wheel lacks a file that the program reads.
IN_PLACE = """
import os, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None, link=None):
    open("left-behind.txt", "w").close()
    with zipfile.ZipFile(folder + "/local-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("local.pth" if link else "local.py", link or open("local.py").read())
        wheel.writestr("local-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: local\\nVersion: 1\\n")
        tags = "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
        wheel.writestr("local-1.dist-info/WHEEL", tags)
        wheel.writestr("local-1.dist-info/RECORD", "")
    return "local-1-py3-none-any.whl"

def build_editable(folder, config_settings=None, metadata_directory=None):
    return build_wheel(folder, link=os.getcwd())
"""


@pytest.fixture
def folder(tmp_path: Path, index: Index) -> Path:
    """A project with a package of the index, one of its own that is copied, and one that is installed in place."""
    index.add(Release("flat", "1.0"), Release("flat", "2.0", requires=["deep"]), Release("deep", "1.0"))
    pyproject = tiny_package.files()["tiny/pyproject.toml"].replace('"tiny"', '"local"').replace('"3"', '"1"')
    local = {"pyproject.toml": pyproject, "backend.py": IN_PLACE, "local.py": "x = 'here'\n", "beside.txt": "beside"}
    folder = project(
        tmp_path / "p", "name: p\npython_env: python_env.yaml\nentry_points: {main: {command: 'python main.py'}}\n"
    )
    for name, content in {
        **tiny_package.files(),
        **{f"local/{name}": content for name, content in local.items()},
    }.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content)
    (folder / "main.py").write_text(MAIN)
    (folder / "python_env.yaml").write_text(f"python: '{MINOR}'\ndependencies: [flat==2.0, ./tiny, -e ./local]\n")
    return committed(folder)


def elsewhere(tmp_path: Path, name: str) -> dict[str, str]:
    """Another user's folders, without anything in them."""
    (tmp_path / name).mkdir(exist_ok=True)
    variables = {"MLPROJ_HOME": "home", "MLPROJ_CACHE": "cache", "HOME": ".", "UV_CACHE_DIR": "uv", "TMPDIR": "."}
    return {variable: str(tmp_path / name / below) for variable, below in variables.items()}


NOWHERE = {"UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple"}


def test_everything_that_is_installed_comes_along_and_is_enough(tmp_path: Path, folder: Path) -> None:
    done = package(folder, tmp_path / "a.mlproj", "--offline", "--no-python")

    assert "local, which is installed in place elsewhere, is a wheel of this revision in the package" in done.err
    assert names(tmp_path / "a.mlproj", "packages") == [
        *(
            "deep-1.0-py3-none-any.whl",
            "flat-2.0-py3-none-any.whl",
            "local-1-py3-none-any.whl",
            "pip-40.0-py3-none-any.whl",
        ),
        *("setuptools-40.0-py3-none-any.whl", "tiny-3-py3-none-any.whl", "wheel-40.0-py3-none-any.whl"),
    ]
    assert not [name for name in names(tmp_path / "a.mlproj") if "left-behind" in name]
    assert not [name for name in manifest(tmp_path / "a.mlproj")["members"] if name.startswith("python/")]
    other = {**elsewhere(tmp_path, "other"), **NOWHERE}
    run = mlproj("run", tmp_path / "a.mlproj", "--json", env=other)
    assert (run.code, run.err.count(SAID)) == (0, 1), run.err
    kept = Path(other["MLPROJ_HOME"], "runs", run.document["run"]["run_id"], "pylock.toml").read_bytes()
    (lock,) = [
        member for name, member in manifest(tmp_path / "a.mlproj")["members"].items() if name.endswith("/pylock.toml")
    ]
    assert hashlib.sha256(kept).hexdigest() == lock["sha256"]
    assert str(tmp_path).encode() not in kept
    again = mlproj("reproduce", "last", env=other)
    assert again.code == 0 and "reproduced" in again.out, again.err


def test_packages_are_the_same_bytes_from_any_folder_cache_and_user(tmp_path: Path, folder: Path) -> None:
    package(folder, tmp_path / "a.mlproj", "--offline", "--no-python")
    first = (tmp_path / "a.mlproj").read_bytes()

    usual = os.umask(0o077)
    try:
        package("p", tmp_path / "b.mlproj", "--offline", "--no-python", cwd=tmp_path, env=elsewhere(tmp_path, "other"))
    finally:
        os.umask(usual)
    assert (tmp_path / "b.mlproj").read_bytes() == first


def test_a_package_of_a_package_brings_the_same_files(tmp_path: Path, folder: Path) -> None:
    package(folder, tmp_path / "a.mlproj", "--offline", "--no-python")
    other = {**elsewhere(tmp_path, "other"), **NOWHERE}
    assert mlproj("run", tmp_path / "a.mlproj", env=other).code == 0

    for what in ("last", tmp_path / "a.mlproj"):
        package(what, tmp_path / "b.mlproj", "--offline", "--no-python", "--force", env=other)
        old, new = (manifest(tmp_path / f"{name}.mlproj") for name in "ab")
        assert (new["offline"], new["import_roots"]) == (old["offline"], old["import_roots"])
        assert {name: new["members"][name] for name in old["members"]} == old["members"]
    assert SAID in mlproj("run", tmp_path / "b.mlproj", env={**elsewhere(tmp_path, "third"), **NOWHERE}).out


def test_packages_for_other_platforms_come_along_and_one_that_lacks_a_wheel_is_refused(
    tmp_path: Path, folder: Path, index: Index
) -> None:
    tag = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    index.add(
        *(Release("fast", "1.0", tag=f"{tag}-{tag}-manylinux_2_17_{machine}") for machine in ("x86_64", "aarch64"))
    )
    index.add(Release("one", "1.0", tag=f"{tag}-{tag}-manylinux_2_17_{os.uname().machine}"))
    lines = f"python: '{MINOR}'\ndependencies: [fast, flat]\n"
    (folder / "python_env.yaml").write_text(lines)

    package(folder, tmp_path / "a.mlproj", "--offline", "--no-python", "--platform", "linux/amd64,linux-aarch64")

    made = manifest(tmp_path / "a.mlproj")
    assert {platform: packages["fast==1.0"].rpartition("_")[2] for platform, packages in made["offline"].items()} == {
        "linux-64": "64.whl",
        "linux-aarch64": "aarch64.whl",
    }
    assert sorted(made["locks"]) == ["linux-64", "linux-aarch64"]

    (folder / "python_env.yaml").write_text(lines.replace("fast", "one"))
    refused = mlproj(
        "package", folder, "-o", tmp_path / "b.mlproj", "--offline", "--platform", "linux/amd64,linux/arm64"
    )
    assert refused.code == 73 and "one" in refused.err and not (tmp_path / "b.mlproj").exists()


def test_wheels_of_a_folder_that_the_project_names_come_along_and_are_found_again(tmp_path: Path, folder: Path) -> None:
    (folder / "wheels").mkdir()
    release = Release("mine", "1.0")
    (folder / "wheels" / release.filename).write_bytes(release.wheel())
    (folder / "python_env.yaml").unlink()
    (folder / "MLproject").write_text("name: p\nentry_points: {main: {command: 'python main.py'}}\n")
    (folder / "requirements.txt").write_text("--find-links ./wheels\nmine\n")
    (folder / "main.py").write_text("import mine; print(mine.__version__)\n")
    committed(folder)

    assert mlproj("run", folder, "--run-name", "mine").code == 0
    assert "reproduced" in mlproj("reproduce", "mine").out
    package("mine", tmp_path / "a.mlproj", "--offline", "--no-python")

    assert "packages/mine-1.0-py3-none-any.whl" in manifest(tmp_path / "a.mlproj")["members"]
    assert "1.0" in mlproj("run", tmp_path / "a.mlproj", env={**elsewhere(tmp_path, "other"), **NOWHERE}).out


@pytest.mark.needs("git")
def test_a_package_from_a_repository_is_a_wheel(tmp_path: Path, folder: Path) -> None:
    for name, content in tiny_package.files(folder="repository").items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    committed(tmp_path / "repository")
    (folder / "python_env.yaml").write_text(
        f"python: '{MINOR}'\ndependencies: ['git+{(tmp_path / 'repository').as_uri()}']\n"
    )
    (folder / "main.py").write_text("import tiny; print(tiny.x)\n")

    package(folder, tmp_path / "a.mlproj", "--offline", "--no-python")
    shutil.rmtree(tmp_path / "repository")

    assert "tiny\n" in mlproj("run", tmp_path / "a.mlproj", env={**elsewhere(tmp_path, "other"), **NOWHERE}).out


def test_without_offline_the_package_has_the_lock_alone(tmp_path: Path, folder: Path, index: Index) -> None:
    package(folder, tmp_path / "a.mlproj")
    index.add(Release("flat", "2.0.1"))

    made = manifest(tmp_path / "a.mlproj")
    assert (made["offline"], made["python"], names(tmp_path / "a.mlproj", "packages")) == ({}, None, [])
    run = mlproj("run", tmp_path / "a.mlproj", env=elsewhere(tmp_path, "other"))
    assert run.out == SAID and "exactly the packages of the package a.mlproj" in run.err


def test_what_has_no_packages_says_so(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", "name: p\nentry_points: {main: {command: 'echo hello'}}\n")

    done = package(folder, tmp_path / "a.mlproj", "--offline")

    assert "the project has no environment of its own: nothing was added" in done.err
    assert mlproj("run", tmp_path / "a.mlproj").out == "hello\n"


@pytest.mark.needs("Rscript")
def test_packages_of_r_are_refused_with_the_reason(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", "name: p\nentry_points: {main: {command: 'Rscript a.R'}}\n", a__R="")
    (folder / "renv.lock").write_text('{"R": {"Version": "4.2.2", "Repositories": []}, "Packages": {}}')

    done = mlproj("package", folder, "-o", tmp_path / "a.mlproj", "--offline")

    assert (
        done.code == 73
        and "packages of R cannot be put into a package" in done.err
        and "leave --offline out" in done.err
    )


@pytest.mark.needs("no-network")
def test_a_package_runs_without_network_home_and_python(tmp_path: Path, folder: Path) -> None:
    done = package(folder, tmp_path / "a.mlproj", "--offline")
    home = tmp_path / "empty"
    home.mkdir()
    bare = ["env", "-i", "PATH=/usr/bin:/bin", f"HOME={home}", "LC_ALL=C.UTF-8", sys.executable, "-m", "mlproj"]

    run = subprocess.run(
        ["unshare", "--net", "sh", "-c", 'ip link set lo up 2>/dev/null; exec "$@"', "-",
         *bare, "run", tmp_path / "a.mlproj", "--json"],
        cwd=home, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert run.returncode == 0 and SAID in run.stderr, run.stderr
    brought = manifest(tmp_path / "a.mlproj")["python"]
    assert ("it came with the package" in run.stderr) == (brought is not None)
    assert brought or re.search(r"cannot be moved|does not run from another place", done.err)
