from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import pytest

from mlproj.environments.base import Description
from mlproj.environments.declarations.requirements import Requirements
from mlproj.environments.python import interpreter
from mlproj.foundation import paths
from mlproj.foundation.errors import EnvironmentFailure
from mlproj.foundation.progress import Silent
from tests.environments.conftest import ResolveRequest, run, utc
from tests.heard import Heard
from tests.package_index import Index, Release

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"
OTHER_MINORS = sorted({one.minor for one in interpreter.find()})


def test_a_command_runs_with_the_declared_packages(index: Index, ask: ResolveRequest) -> None:
    index.add(
        Release(
            "apple", "1.0", scripts=["eat=apple_cli:main"], modules={"apple_cli.py": "def main(): print('eaten')\n"}
        )
    )
    prepared = ask("apple").prepare(Silent())
    assert run(prepared, "python", "-c", "import apple; print(apple.__version__)") == "1.0"
    assert run(prepared, "eat") == "eaten"
    assert prepared.packages == {"apple": "1.0", "pip": "40.0", "setuptools": "40.0", "wheel": "40.0"}
    assert prepared.variables["VIRTUAL_ENV"] == str(prepared.path[0].parent)


def test_a_second_run_finds_the_environment_and_asks_no_index(index: Index, ask: ResolveRequest) -> None:
    index.add(Release("apple", "1.0"))
    first = ask("apple")
    assert not first.is_ready()
    assert not first.prepare(Silent()).reused
    index.requests.clear()
    second = ask("apple")
    assert second.is_ready()
    assert second.prepare(Silent()).reused
    assert index.requests == []


def test_unpinned_packages_are_those_of_the_commit_date(index: Index, ask: ResolveRequest) -> None:
    index.add(Release("apple", "1.0", "2020-03-01T00:00:00Z"), Release("apple", "2.0", "2021-03-01T00:00:00Z"))
    environment = ask("apple", time_travel=True, commit_date=utc("2020-06-01"))
    assert environment.description.as_of == utc("2020-06-01")
    assert environment.prepare(Silent()).packages["apple"] == "1.0"


def test_a_local_folder_gets_the_packages_of_today(index: Index, ask: ResolveRequest) -> None:
    index.add(Release("apple", "1.0", "2020-03-01T00:00:00Z"), Release("apple", "2.0", "2021-03-01T00:00:00Z"))
    assert ask("apple", commit_date=utc("2020-06-01")).prepare(Silent()).packages["apple"] == "2.0"


def test_dependencies_of_pinned_packages_are_those_of_the_pins(index: Index, ask: ResolveRequest) -> None:
    index.add(
        Release("apple", "1.0", "2020-03-01T00:00:00Z", requires=["seed"]),
        Release("seed", "1.0", "2020-02-01T00:00:00Z"),
        Release("seed", "2.0", "2022-02-01T00:00:00Z"),
    )
    environment = ask("apple==1.0", time_travel=True, commit_date=utc("2025-06-01"))
    assert environment.description.as_of == utc("2020-03-29")
    assert "four weeks after the newest pinned release (2020-03-01)" in environment.description.as_of_reason
    assert environment.prepare(Silent()).packages["seed"] == "1.0"


def test_packages_of_an_index_without_upload_dates_are_taken_and_told(
    index: Index, ask: ResolveRequest, progress: Heard
) -> None:
    index.add(Release("apple", "1.0", "2020-01-01T00:00:00Z"), Release("apple", "1.0+cpu", None))
    prepared = ask("apple==1.0+cpu", as_of="2020-06-01").prepare(progress)
    assert prepared.packages["apple"] == "1.0+cpu"
    assert progress.notes == ["the index of apple does not tell upload dates; taken without regard to the date"]


def test_the_lock_names_every_package_with_its_hash(index: Index, ask: ResolveRequest) -> None:
    index.add(Release("apple", "1.0", requires=["seed"]), Release("seed", "3.1"))
    lock = ask("apple").prepare(Silent()).lock
    assert lock is not None
    text = lock.read_text()
    for name in ("apple", "seed", "pip", "setuptools", "wheel"):
        assert f'name = "{name}"' in text
    assert text.count("sha256") == 5


def test_a_lock_is_installed_as_it_is(index: Index, ask: ResolveRequest, tmp_path: Path) -> None:
    index.add(Release("apple", "1.0"))
    lock = ask("apple").prepare(Silent()).lock
    assert lock is not None
    index.add(Release("apple", "2.0"))
    (tmp_path / "project" / "pylock.toml").write_text(lock.read_text())
    again = ask(
        requirements=Requirements(python=HERE, lock_file=tmp_path / "project" / "pylock.toml"), time_travel=True
    )
    assert again.description.as_of_reason == "pylock.toml names exact versions"
    assert again.prepare(Silent()).packages["apple"] == "1.0"


@pytest.mark.skipif(len(OTHER_MINORS) < 2, reason="there is one Python only")
def test_a_lock_with_wheels_of_one_python_only_is_installed_in_that_one(
    index: Index, ask: ResolveRequest, tmp_path: Path
) -> None:
    major, minor = OTHER_MINORS[-2]
    index.add(apple := Release("apple", "1.0", tag=f"cp{major}{minor}-none-any"), pear := Release("pear", "1.0"))
    text = 'lock-version = "1.0"\ncreated-by = "test"\nrequires-python = ">=3.6"\n'
    for release in (apple, pear):
        url = f"{index.url.removesuffix('simple')}files/{release.filename}"
        digest = hashlib.sha256(release.wheel()).hexdigest()
        text += (
            f'[[packages]]\nname = "{release.name}"\nversion = "1.0"\n'
            f'wheels = [{{url = "{url}", hashes = {{sha256 = "{digest}"}}}}]\n'
        )
    (tmp_path / "pylock.toml").write_text(text)

    environment = ask(requirements=Requirements(python=">=3.6", lock_file=tmp_path / "pylock.toml"))

    assert str(environment.description.python).startswith(f"{major}.{minor}.")
    assert "the newest that pylock.toml has wheels for" in str(environment.description.python_reason)
    assert environment.prepare(Silent()).packages["apple"] == "1.0"


def test_a_changed_lock_is_another_environment(index: Index, ask: ResolveRequest, tmp_path: Path) -> None:
    index.add(Release("apple", "1.0"), Release("apple", "2.0"))
    keys = set()
    for version in ("1.0", "2.0"):
        lock = ask(f"apple=={version}").prepare(Silent()).lock
        assert lock is not None
        (tmp_path / "project" / "pylock.toml").write_text(lock.read_text())
        environment = ask(requirements=Requirements(python=HERE, lock_file=tmp_path / "project" / "pylock.toml"))
        keys.add(environment.description.key)
        assert environment.prepare(Silent()).packages["apple"] == version
    assert len(keys) == 2


def test_a_resolution_that_fails_says_why_and_what_to_try(index: Index, ask: ResolveRequest) -> None:
    index.add(Release("apple", "1.0", "2022-03-01T00:00:00Z"))
    environment = ask("apple", time_travel=True, commit_date=utc("2020-06-01"))
    with pytest.raises(EnvironmentFailure) as failure:
        environment.prepare(Silent())
    assert "cannot be resolved as of 2020-06-01" in failure.value.message
    assert "apple" in failure.value.message
    assert failure.value.hint is not None and "--as-of today" in failure.value.hint
    assert [place.name for place in paths.environments().iterdir() if not place.name.endswith(".lock")] == []


def test_a_pinned_release_that_was_uploaded_anew_is_taken_all_the_same(
    index: Index, ask: ResolveRequest, progress: Heard
) -> None:
    index.add(
        Release("fig", "1.0", "2024-01-01T00:00:00Z"),
        Release("fig", "2.0", "2024-01-01T00:00:00Z"),
        Release("plum", "1.0", "2024-01-01T00:00:00Z"),
        Release("pear", "1.0", requires=["plum>=1"]),
        Release("pear", "2.0", "2024-01-01T00:00:00Z"),
    )

    environment = ask("fig==1.0", "pear", time_travel=True, commit_date=utc("2020-06-01"), as_of="commit")

    packages = environment.prepare(progress).packages
    assert (packages["fig"], packages["plum"], packages["pear"]) == ("1.0", "1.0", "1.0")
    assert "fig==1.0 is pinned and was uploaded on 2024-01-01; taken without regard to the date" in progress.notes
    assert (
        "packages of the time need plum, which was uploaded later; taken without regard to the date" in progress.notes
    )


@pytest.mark.parametrize(("later", "helps"), [((), False), ((Release("apple", "2.0", "2024-01-01T00:00:00Z"),), True)])
def test_today_is_offered_for_withdrawn_releases_only_where_it_can_help(
    index: Index, ask: ResolveRequest, later: tuple[Release, ...], helps: bool
) -> None:
    index.add(Release("apple", "1.0", yanked="broken build"), Release("pear", "1.0", requires=["apple>=1"]), *later)

    with pytest.raises(EnvironmentFailure) as failure:
        ask("pear", time_travel=True, commit_date=utc("2020-06-01")).prepare(Silent())

    hint = str(failure.value.hint)
    assert "withdrew it (yanked); an exact pin (apple==VERSION)" in hint
    assert ("--as-of today" in hint) is helps
    assert ask("pear", "apple==1.0").prepare(Silent()).packages["apple"] == "1.0"


def test_credentials_of_an_index_are_kept_nowhere(
    index: Index, ask: ResolveRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.add(Release("apple", "1.0"))
    monkeypatch.setenv("UV_DEFAULT_INDEX", index.url.replace("http://", "http://user:hunter2secret@"))
    ask("apple").prepare(Silent())
    for file in paths.cache().rglob("*"):
        if file.is_file() and "uv-cache" not in file.parts:
            assert b"hunter2secret" not in file.read_bytes(), file
    with pytest.raises(EnvironmentFailure) as failure:
        ask("pear").prepare(Silent())
    assert "hunter2secret" not in failure.value.message


def test_an_unreachable_index_with_credentials_shows_none_of_them(index: Index, ask: ResolveRequest) -> None:
    options = ("--extra-index-url", "http://user:hunter2secret@127.0.0.1:1/simple")
    with pytest.raises(EnvironmentFailure) as failure:
        ask("apple", requirements=Requirements(python=HERE, options=options)).prepare(Silent())
    assert "hunter2secret" not in failure.value.message


def test_offline_needs_the_packages_in_the_cache(index: Index, ask: ResolveRequest) -> None:
    index.add(Release("apple", "1.0"))
    with pytest.raises(EnvironmentFailure) as failure:
        ask("apple", offline=True).prepare(Silent())
    assert failure.value.hint is not None and "without --offline" in failure.value.hint
    assert index.requests == []
    ask("apple").prepare(Silent())
    index.requests.clear()
    assert ask("apple", offline=True).prepare(Silent(), rebuild=True).packages["apple"] == "1.0"
    assert index.requests == []


def test_a_rebuild_takes_what_is_there_now(index: Index, ask: ResolveRequest) -> None:
    index.add(Release("apple", "1.0"))
    ask("apple==1.0").prepare(Silent())
    prepared = ask("apple==1.0").prepare(Silent(), rebuild=True)
    assert not prepared.reused
    assert run(prepared, "python", "-c", "import apple; print(apple.__version__)") == "1.0"


def test_metadata_older_than_pep_440_is_corrected_and_told(index: Index, ask: ResolveRequest, progress: Heard) -> None:
    index.add(
        Release("apple", "0.24.2", requires=["zone (>=2011k)", "seed (>=1.0)"]),
        Release("zone", "2019.1"),
        Release("seed", "1.5"),
    )
    prepared = ask("apple==0.24.2").prepare(progress)
    assert prepared.packages["zone"] == "2019.1"
    assert prepared.packages["seed"] == "1.5"
    assert any("apple 0.24.2" in note and "PEP 440" in note for note in progress.notes)


def test_a_name_that_smuggles_an_option_is_refused(index: Index, ask: ResolveRequest) -> None:
    for wicked in ("--index-url=http://127.0.0.1:1/", "apple\n--pre", "-r/etc/passwd"):
        with pytest.raises(EnvironmentFailure):
            ask(wicked).prepare(Silent())


@pytest.mark.skipif(len(OTHER_MINORS) < 2, reason="needs two Python versions")
def test_a_python_is_chosen_that_the_packages_have_wheels_for(index: Index, ask: ResolveRequest) -> None:
    oldest = OTHER_MINORS[0]
    index.add(Release("apple", "1.0", tag=f"cp{oldest[0]}{oldest[1]}-none-any"))
    environment = ask("apple==1.0", requirements=Requirements())
    assert environment.description.python is not None
    assert environment.description.python.startswith(f"{oldest[0]}.{oldest[1]}.")
    assert "the newest with wheels for apple==1.0" in environment.description.python_reason
    assert environment.prepare(Silent()).packages["apple"] == "1.0"


def test_a_python_that_nobody_has_names_those_that_are_here(index: Index, ask: ResolveRequest) -> None:
    with pytest.raises(EnvironmentFailure) as failure:
        ask("apple", requirements=Requirements(python="3.4"), offline=True)
    assert "the project needs Python 3.4" in failure.value.message
    assert HERE in failure.value.message


def test_another_patch_release_serves_and_is_told(index: Index, ask: ResolveRequest) -> None:
    description: Description = ask(requirements=Requirements(python=f"{HERE}.99")).description
    assert description.python is not None and description.python.startswith(HERE)
    assert any(f"Python {HERE}.99 is not on this machine" in note for note in description.notes)


def _editable(folder: Path, text: str) -> Path:
    """A project in src layout whose build backend is part of it, so that no index has to have one."""
    (folder / "src" / "plum").mkdir(parents=True, exist_ok=True)
    (folder / "src" / "plum" / "__init__.py").write_text(f"def main():\n    print({text!r})\n")
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "plum"\nversion = "1"\ndependencies = ["seed"]\n[project.scripts]\nplum = "plum:main"\n'
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    (folder / "backend.py").write_text(
        "import os, zipfile\ndef build(folder, files):\n    files = dict(files, **{\n       "
        " 'plum-1.dist-info/METADATA': 'Metadata-Version: 2.1\\nName: plum\\nVersion: 1\\nRequires-Dist: seed\\n',\n   "
        "     'plum-1.dist-info/WHEEL': 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n',\n       "
        " 'plum-1.dist-info/entry_points.txt': '[console_scripts]\\nplum=plum:main\\n',\n       "
        " 'plum-1.dist-info/RECORD': ''})\n    with zipfile.ZipFile(os.path.join(folder, 'plum-1-py3-none-any.whl'),"
        " 'w') as wheel:\n        for name, text in files.items():\n            wheel.writestr(name, text)\n    return"
        " 'plum-1-py3-none-any.whl'\ndef build_wheel(folder, config_settings=None, metadata_directory=None):\n   "
        " return build(folder, {'plum/__init__.py': open('src/plum/__init__.py').read()})\ndef build_editable(folder,"
        " config_settings=None, metadata_directory=None):\n    return build(folder, {'plum.pth':"
        " os.path.abspath('src')})\n"
    )
    return folder


def test_a_package_installed_in_place_is_the_one_of_this_checkout(
    index: Index, ask: ResolveRequest, tmp_path: Path
) -> None:
    index.add(Release("seed", "1.0"))
    keys = []
    for name in ("first", "second"):
        root = _editable(tmp_path / name, f"from {name}")
        environment = ask(requirements=Requirements(python=HERE, editables=(str(root),)), root=root)
        prepared = environment.prepare(Silent())
        keys.append(environment.description.key)
        assert run(prepared, "plum") == f"from {name}"
        assert run(prepared, "python", "-c", "import plum, seed; print(plum.__file__)") == str(
            root / "src" / "plum" / "__init__.py"
        )
    assert keys[0] == keys[1]
    assert "first" not in (paths.environments() / str(keys[0]) / "pylock.toml").read_text()


def test_the_users_python_path_comes_after_the_checkout(
    index: Index, ask: ResolveRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.add(Release("seed", "1.0"))
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    root = _editable(tmp_path / "first", "hello")
    prepared = ask(requirements=Requirements(python=HERE, editables=(str(root),)), root=root).prepare(Silent())
    assert prepared.variables["PYTHONPATH"] == f"{root / 'src'}:/somewhere"


def test_a_changed_local_package_is_installed_anew(index: Index, ask: ResolveRequest, tmp_path: Path) -> None:
    index.add(Release("seed", "1.0"))
    for text in ("one", "two"):
        root = _editable(tmp_path / "project", text)
        assert run(ask(str(root), root=root).prepare(Silent()), "plum") == text


def test_the_record_beside_an_environment_says_what_it_is(index: Index, ask: ResolveRequest) -> None:
    index.add(Release("apple", "1.0", "2020-01-01T00:00:00Z"))
    environment = ask("apple", as_of="2021-05-06")
    lock = environment.prepare(Silent()).lock
    assert lock is not None
    record = json.loads((lock.parent / "environment.json").read_text())
    assert record["schema"] == 1
    assert record["declaration"] == "requirements requirements.txt"
    assert record["requirements"] == ["apple"]
    assert record["as_of"] == "2021-05-07T00:00:00+00:00"


@pytest.mark.needs("index")
@pytest.mark.parametrize("version", sorted({f"{minor[0]}.{minor[1]}" for minor in (OTHER_MINORS[0], OTHER_MINORS[-1])}))
def test_virtualenv_and_pip_install_what_the_lock_says(ask: ResolveRequest, version: str) -> None:
    environment = ask(
        "six==1.16.0", requirements=Requirements(python=version), manager="virtualenv", as_of="2024-01-01"
    )
    prepared = environment.prepare(Silent())
    assert environment.description.manager == "virtualenv"
    assert run(prepared, "python", "-c", "import six, pip, pkg_resources; print(six.__version__)") == "1.16.0"
    assert run(prepared, "pip", "--version").startswith(f"pip {prepared.packages['pip']}")
