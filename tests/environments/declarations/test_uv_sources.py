"""Where a project says that a name comes from: an index that has a stranger's package of that name is never asked for
it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlproj.environments.base import Declaration, Prepared, Request
from mlproj.environments.declarations import declaration
from mlproj.environments.declarations.requirements import Requirements
from mlproj.environments.python import environment as python
from mlproj.foundation.errors import InvalidProject, MlprojError
from mlproj.foundation.progress import Silent
from tests import package_index, tiny_package
from tests.environments.conftest import run
from tests.heard import Heard
from tests.package_index import Index, Release

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"
PROJECT = f'[project]\nname = "it"\nversion = "1"\nrequires-python = "=={HERE}.*"\n'
Make = Callable[..., Prepared]


def put(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def read(folder: Path, text: str, name: str = "pyproject.toml", kind: str = "pyproject") -> Requirements:
    put(folder, {name: text})
    return declaration.read(Declaration(kind, folder / name), Request(folder, folder))


@pytest.fixture
def make(index: Index, tmp_path: Path) -> Make:
    """``make(text)``: the environment of ``tmp_path/project`` with this pyproject.toml, where the index has a
    stranger's ``tiny``."""
    index.add(Release("tiny", "99", modules={"tiny.py": "x = 'a stranger'\n"}))
    folder = tmp_path / "project"
    put(folder, tiny_package.files("ours", folder="libs/tiny"))

    def prepare(text: str, name: str = "pyproject.toml", kind: str = "pyproject", manager: str = "auto") -> Prepared:
        requirements = read(folder, text, name, kind)
        request = Request(folder, folder, manager=manager)
        return python.for_requirements(request, Declaration(kind, folder / name), requirements, Silent()).prepare(
            Silent()
        )

    return prepare


def which(prepared: Prepared) -> str:
    return run(prepared, "python", "-c", "import tiny; print(tiny.x)")


@pytest.mark.parametrize("source", ['{ path = "libs/tiny" }', '{ path = "libs/tiny", editable = true }'])
def test_a_name_with_a_path_is_installed_from_there(make: Make, index: Index, source: str) -> None:
    prepared = make(f'{PROJECT}dependencies = ["tiny"]\n[tool.uv.sources]\ntiny = {source}\n')
    assert which(prepared) == "ours"
    assert not [path for path in index.requests if "tiny" in path]


def test_a_source_whose_marker_does_not_fit_leaves_the_name_to_the_index(make: Make) -> None:
    text = (
        f'{PROJECT}dependencies = ["tiny"]\n[tool.uv.sources]\ntiny = {{ path = "libs/tiny", marker = "sys_platform =='
        " '%s'\" }\n"
    )
    assert which(make(text % "none")) == "a stranger"
    assert which(make(text % sys.platform)) == "ours"


def test_a_script_s_sources_count_as_a_project_s(make: Make) -> None:
    lines = [
        f'requires-python = "=={HERE}.*"',
        'dependencies = ["tiny"]',
        "[tool.uv.sources]",
        'tiny = { path = "libs/tiny" }',
    ]
    block = "".join(f"# {line}\n" for line in lines)
    assert which(make(f"# /// script\n{block}# ///\n", "train.py", "script")) == "ours"


def test_requirements_beside_a_project_with_sources_take_the_name_from_there(make: Make, tmp_path: Path) -> None:
    put(
        tmp_path / "project",
        {"pyproject.toml": '[tool.uv.sources]\ntiny = { path = "libs/tiny" }\n', ".python-version": HERE},
    )
    assert which(make("tiny\n", "requirements.txt", "requirements")) == "ours"


@pytest.fixture
def private() -> Iterator[Index]:
    with package_index.serve() as running:
        running.add(Release("tiny", "1", modules={"tiny.py": "x = 'the private one'\n"}))
        yield running


def test_a_name_of_one_index_is_asked_of_no_other(make: Make, index: Index, private: Index) -> None:
    table = f'[[tool.uv.index]]\nname = "mine"\nurl = "{private.url}"\nexplicit = true\n'
    prepared = make(f'{PROJECT}dependencies = ["tiny"]\n[tool.uv.sources]\ntiny = {{ index = "mine" }}\n{table}')
    assert which(prepared) == "the private one"
    assert not [path for path in index.requests if "tiny" in path]


@pytest.mark.parametrize(
    "text",
    [
        '[tool.poetry.dependencies]\npython = "=={here}.*"\ntiny = {{ version = "*", source = "mine" }}\n'
        '[[tool.poetry.source]]\nname = "mine"\nurl = "{url}"\npriority = "explicit"\n',
        PROJECT + 'dependencies = ["tiny"]\n[tool.poetry.dependencies]\ntiny = {{ source = "mine" }}\n'
        '[[tool.poetry.source]]\nname = "mine"\nurl = "{url}"\npriority = "explicit"\n',
        PROJECT + 'dependencies = ["tiny"]\n[[tool.pdm.source]]\nname = "mine"\nurl = "{url}"\n'
        'include_packages = ["ti*"]\nexclude_packages = ["*"]\n',
    ],
    ids=["poetry", "poetry beside project", "pdm"],
)
def test_indexes_of_other_tools_bind_names_as_well(make: Make, index: Index, private: Index, text: str) -> None:
    assert which(make(text.format(url=private.url, here=HERE))) == "the private one"
    assert not [path for path in index.requests if "tiny" in path]


@pytest.mark.parametrize(
    "address", ["file:///${PROJECT_ROOT}/libs/tiny", "{root:uri}/libs/tiny", "{root:parent:uri}/project/libs/tiny"]
)
def test_the_project_s_folder_is_where_pdm_and_hatch_put_it(make: Make, address: str) -> None:
    assert which(make(f'{PROJECT}dependencies = ["tiny @ {address}"]\n')) == "ours"


def test_overrides_and_constraints_of_uv_hold(make: Make, index: Index) -> None:
    index.add(
        Release("apple", "1.0", requires=["pear==2"]),
        Release("pear", "1"),
        Release("pear", "2"),
        Release("plum", "1"),
        Release("plum", "2"),
    )
    prepared = make(
        f'{PROJECT}dependencies = ["apple", "plum"]\n[tool.uv]\noverride-dependencies ='
        ' ["pear==1"]\nconstraint-dependencies = ["plum<2"]\n'
    )
    assert (prepared.packages["pear"], prepared.packages["plum"]) == ("1", "1")


WORKSPACE = '[tool.uv.workspace]\nmembers = ["libs/*"]\n'


def test_a_member_of_a_workspace_is_found_through_its_root(make: Make, tmp_path: Path) -> None:
    assert (
        which(make(f'{PROJECT}dependencies = ["tiny"]\n[tool.uv.sources]\ntiny = {{ workspace = true }}\n{WORKSPACE}'))
        == "ours"
    )
    found = read(tmp_path / "project" / "libs" / "other", f'{PROJECT.replace("it", "other")}dependencies = ["tiny"]\n')
    assert found.sources == {"tiny": [{"path": str(tmp_path / "project" / "libs" / "tiny"), "editable": True}]}


def test_what_a_package_in_place_needs_from_beside_it_is_in_place_too(make: Make, tmp_path: Path) -> None:
    put(tmp_path / "project", tiny_package.files("ours", folder="libs/middle"))
    middle = tmp_path / "project" / "libs" / "middle" / "pyproject.toml"
    middle.write_text(
        middle.read_text().replace("tiny", "middle")
        + 'dependencies = ["tiny"]\n[tool.uv.sources]\ntiny = { path = "../tiny" }\n'
    )
    found = read(
        tmp_path / "project",
        f'{PROJECT}dependencies = ["middle"]\n[tool.uv.sources]\nmiddle = {{ path = "libs/middle", editable = true'
        " }\n",
    )
    assert found.sources["tiny"] == [{"path": str(tmp_path / "project" / "libs" / "tiny")}]
    assert found.editables == (str(middle.parent),)


@pytest.mark.parametrize(
    ("rest", "message", "line"),
    [
        ("[tool.uv.sources]\ntiny = { path = 'gone' }\n", "nothing is at 'gone'", 7),
        ("[tool.uv.sources]\ntiny = { workspace = true }\n", "no member of it has that name", 7),
        ("[tool.uv.sources]\ntiny = { index = 'mine' }\n", "which no [[tool.uv.index]] names", 7),
        ("[tool.uv.sources]\ntiny = 'libs/tiny'\n", "must be a table with one of", 7),
        ("[tool.uv.sources]\ntiny = { path = 'libs/tiny', editble = true }\n", "unknown key 'editble'", 7),
        (WORKSPACE, "is a member of the workspace, and [tool.uv.sources] does not say so", 5),
        (
            "[tool.uv]\noverride-dependencies = ['tiny==1']\nsources.tiny = { path = 'libs/tiny' }\n",
            "override-dependencies and sources both name 'tiny'",
            7,
        ),
        ("[tool.poetry.dependencies]\ntiny = { source = 'mine' }\n", "which pyproject.toml does not describe", 7),
        ("[tool.poetry.dependencies]\ntiny = { path = 'gone' }\n", "nothing is at 'gone'", 7),
    ],
)
def test_a_source_that_leads_nowhere_is_refused_with_its_place(
    tmp_path: Path, rest: str, message: str, line: int
) -> None:
    put(tmp_path, tiny_package.files("ours", folder="libs/tiny"))
    with pytest.raises(InvalidProject) as caught:
        read(tmp_path, f'{PROJECT}dependencies = ["tiny"]\n{rest}')
    assert message in caught.value.message
    assert caught.value.place is not None
    assert caught.value.place.line == line


def test_a_path_of_somebody_s_machine_is_not_looked_up_on_an_index(tmp_path: Path) -> None:
    with pytest.raises(InvalidProject, match="nothing is at 'file:///home/ann/tiny'"):
        read(tmp_path, "tiny @ file:///home/ann/tiny\n", "requirements.txt", "requirements")


def test_pip_is_not_used_for_a_package_of_one_index_only(make: Make, private: Index) -> None:
    table = f'[[tool.uv.index]]\nname = "mine"\nurl = "{private.url}"\nexplicit = true\n'
    with pytest.raises(MlprojError, match="--env-manager virtualenv installs with pip"):
        make(
            f'{PROJECT}dependencies = ["tiny"]\n[tool.uv.sources]\ntiny = {{ index = "mine" }}\n{table}',
            manager="virtualenv",
        )


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (f'{PROJECT}[build-system]\nrequires = ["x"]\n[tool.uv]\npackage = false\n', "package = false in [tool.uv]"),
        (
            '[tool.poetry]\nname = "it"\npackage-mode = false\n[build-system]\nrequires = ["x"]\n',
            "package-mode = false in [tool.poetry]",
        ),
        (
            (
                '[tool.poetry]\nname = "it-is"\n[build-system]\nrequires = ["poetry-core"]\nbuild-backend ='
                ' "poetry.core.masonry.api"\n'
            ),
            "no package or module it_is",
        ),
    ],
)
def test_a_project_that_is_no_package_is_not_built(tmp_path: Path, text: str, note: str) -> None:
    found = read(tmp_path, text)
    assert found.editables == ()
    assert len(found.notes) == 1
    assert found.notes[0].startswith("only the dependencies of")
    assert note in found.notes[0]


def test_the_members_of_a_locked_workspace_are_in_place(tmp_path: Path) -> None:
    entries = (
        '[[package]]\nname = "it"\nsource = { virtual = "." }\n[[package]]\nname = "tiny"\nsource = { editable ='
        ' "libs/tiny" }\n'
    )
    put(
        tmp_path,
        {
            "uv.lock": f"version = 1\n{entries}",
            "pyproject.toml": PROJECT + "[tool.uv]\npackage = false\n[build-system]\nrequires = []\n",
        },
    )
    found = declaration.read(Declaration("uv_lock", tmp_path / "uv.lock"), Request(tmp_path, tmp_path))
    assert found.editables == (str(tmp_path / "libs" / "tiny"),)
    assert "package = false" in found.notes[0]


def test_a_login_in_the_address_of_an_index_changes_no_key(index: Index, tmp_path: Path) -> None:
    keys = set()
    for login in ("", "ann:one@", "ann:two@"):
        text = (
            f'{PROJECT}dependencies = []\n[[tool.uv.index]]\nname = "mine"\nurl = "http://{login}127.0.0.1:1/simple"\n'
        )
        requirements = read(tmp_path, text)
        request = Request(tmp_path, tmp_path)
        environment = python.for_requirements(
            request, Declaration("pyproject", tmp_path / "pyproject.toml"), requirements, Heard()
        )
        keys.add(environment.description.key)
    assert len(keys) == 2  # whether there is a login is seen, which one is not
