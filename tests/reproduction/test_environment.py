"""The environment of a run is made again from its lock, whatever became of the packages since."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlproj.foundation import paths
from tests import package_index, tiny_package
from tests.package_index import Index, Release
from tests.program import project
from tests.reproduction.conftest import kept, recorded, reproduced, shown

MAIN = "import lib\nopen('out.txt', 'w').write(lib.__version__)\n"


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Index]:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    with package_index.serve() as served:
        served.add(Release("lib", "1.0"))
        monkeypatch.setenv("UV_DEFAULT_INDEX", served.url)
        yield served


def python_project(folder: Path, dependencies: str = "lib") -> Path:
    return project(
        folder,
        "python_env: python_env.yaml\nentry_points: {main: {command: 'python main.py'}}\n",
        python_env__yaml=f"python: '3.11'\ndependencies: [{dependencies}]\n",
        main__py=MAIN,
    )


def test_the_packages_are_those_of_then_and_the_lock_is_the_same_byte_for_byte(index: Index, tmp_path: Path) -> None:
    run = recorded(python_project(tmp_path / "p"))
    index.add(Release("lib", "2.0"))
    shutil.rmtree(paths.cache())
    assert recorded(tmp_path / "p")["outputs"] != run["outputs"], "a new run takes the new release"

    done, document = reproduced(run["run_id"], "--times", "2")

    assert (done.code, document["reproduced"]) == (0, True), done.err
    first, again = (shown(one["run_id"]) for one in document["runs"])
    assert kept(again, "pylock.toml") == kept(run, "pylock.toml")
    assert again["environment"]["key"] == first["environment"]["key"] != run["environment"]["key"]
    assert first["environment"]["reused"] is again["environment"]["reused"] is False, (
        "each of several runs has a fresh one"
    )
    assert again["environment"]["lock"] == "pylock.toml"
    assert again["tags"]["mlproj.reproduces"] == run["run_id"]
    assert again["tags"]["mlproj.verdict"] == "reproduced: 0 metrics and 1 file compared"
    _, document = reproduced(again["run_id"])
    third = shown(document["runs"][0]["run_id"])
    assert (third["environment"]["key"], third["environment"]["reused"]) == (again["environment"]["key"], True)


def test_a_lock_is_held_to_its_hashes_and_a_package_that_vanished_is_named(index: Index, tmp_path: Path) -> None:
    run = recorded(python_project(tmp_path / "p"))
    del index.files["lib-1.0-py3-none-any.whl"]
    shutil.rmtree(paths.cache())
    shutil.rmtree(tmp_path / "uv")
    done, document = reproduced(run["run_id"])
    assert done.code == 73 and "lib" in document["error"]["message"] and "404" in document["error"]["message"]
    wheel = Release("lib", "1.0", modules={"lib.py": "__version__ = '6.6'\n"}).wheel()
    index.files["lib-1.0-py3-none-any.whl"] = wheel
    done, document = reproduced(run["run_id"])
    assert done.code == 73 and "mismatch" in document["error"]["message"].lower(), "other bytes of the same version"


def test_packages_of_the_project_itself_come_from_its_copy(index: Index, tmp_path: Path) -> None:
    folder = python_project(tmp_path / "p", "./tiny, -e ./inplace")
    for name, content in (tiny_package.files() | tiny_package.files("placed", folder="inplace")).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content.replace("tiny", "placed") if name.startswith("inplace") else content)
    (folder / "inplace" / "tiny.py").rename(folder / "inplace" / "placed.py")
    (folder / "main.py").write_text("import tiny, placed\nopen('out.txt', 'w').write(tiny.x + placed.x)\n")
    run = recorded(folder)
    (folder / "tiny" / "tiny.py").write_text("x = 'changed since'\n")

    done, document = reproduced(run["run_id"])
    assert (done.code, document["reproduced"]) == (0, True), done.out
    first = shown(document["runs"][0]["run_id"])
    assert kept(first, "pylock.toml") == kept(run, "pylock.toml") and str(tmp_path).encode() not in kept(
        run, "pylock.toml"
    )
    second = shown(reproduced(run["run_id"])[1]["runs"][0]["run_id"])
    assert (second["environment"]["key"], second["environment"]["reused"]) == (first["environment"]["key"], True)

    done, document = reproduced(run["run_id"], "--latest-code")
    assert (done.code, document["reproduced"]) == (1, False), (
        "the package of now, and not the one that is built already"
    )
    assert "+changed sinceplaced" in document["runs"][0]["files"][0]["details"]
