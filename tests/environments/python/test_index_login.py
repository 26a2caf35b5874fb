"""The login of a package index: used to resolve, to install, to build and to do it again, and kept nowhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlproj.environments.base import Declaration, Prepared, Request
from mlproj.environments.conda import with_pip
from mlproj.environments.declarations import declaration
from mlproj.environments.declarations.requirements import Requirements
from mlproj.environments.python import environment, interpreter, lock, packing, resolver, uv_configuration
from mlproj.environments.python.index_login import Logins
from mlproj.foundation import paths
from mlproj.foundation.errors import EnvironmentFailure
from mlproj.foundation.locked import Locked
from mlproj.foundation.progress import Silent
from tests import package_index, tiny_package
from tests.environments.conftest import ResolveRequest
from tests.heard import Heard
from tests.package_index import Index, Release
from tests.sources.git_server import GitServer, serving
from tests.sources.repository import commit

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"
PASSWORD = "hunter2secret"


@pytest.fixture
def private(index: Index) -> Iterator[Index]:
    with package_index.serve() as running:
        running.login = f"ann:{PASSWORD}"
        running.add(Release("apple", "1.0", requires=["seed"]), Release("seed", "1.0"))
        yield running


def made(folder: Path, text: str, locked: Locked | None = None) -> Prepared:
    folder.mkdir(exist_ok=True)
    file = folder / "requirements.txt"
    file.write_text(text)
    (folder / ".python-version").write_text(HERE)
    request = Request(folder, folder, locked=locked)
    return environment.create(request, Declaration("requirements", file), Silent()).prepare(Silent())


def assert_nowhere(*places: Path) -> None:
    for place in places:
        for file in [place, *place.rglob("*")]:
            if file.is_file():
                assert PASSWORD.encode() not in file.read_bytes(), file


@pytest.mark.parametrize("option", ["--extra-index-url {index}", "--index-url {index}", "--find-links {links}"])
def test_a_login_in_an_option_is_used_to_install_as_well(private: Index, tmp_path: Path, option: str) -> None:
    login = f"ann:{PASSWORD}"
    text = option.format(index=private.url_for(login), links=private.links.replace("://", f"://{login}@"))
    assert made(tmp_path / "project", f"{text}\napple\n").packages["seed"] == "1.0"
    assert_nowhere(paths.cache())


def test_a_login_in_a_variable_is_used_and_one_that_is_not_set_is_named(
    private: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"--extra-index-url {private.url_for('ann:${APPLE_TOKEN}')}\napple\n"
    with pytest.raises(EnvironmentFailure) as caught:
        made(tmp_path / "project", text)
    assert "APPLE_TOKEN" in f"{caught.value.message} {caught.value.hint}"
    monkeypatch.setenv("APPLE_TOKEN", PASSWORD)
    assert made(tmp_path / "project", text).packages["apple"] == "1.0"


def test_what_was_locked_with_a_login_is_made_again_with_it(
    private: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"--extra-index-url {private.url_for(f'ann:{PASSWORD}')}\napple\n"
    kept = made(tmp_path / "project", text).lock
    assert kept is not None
    assert "@" not in kept.read_text()
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "another-cache"))
    again = Locked("run x", "python", "uv", python=HERE, lock=kept)
    assert made(tmp_path / "project", text, locked=again).packages["apple"] == "1.0"


def direct(index: Index, login: str) -> str:
    """The address of a wheel with a *login* in it."""
    return f"{index.url.removesuffix('simple')}files/apple-1.0-py3-none-any.whl".replace("://", f"://{login}@")


@pytest.mark.parametrize("login", [f"ann:{PASSWORD}", "ann:${APPLE_TOKEN}"])
def test_a_login_in_the_address_of_a_package_is_put_back_when_its_lock_is_installed_again(
    private: Index, index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, login: str
) -> None:
    index.add(Release("seed", "1.0"))
    monkeypatch.setenv("APPLE_TOKEN", PASSWORD)
    text = f"apple @ {direct(private, login)}\n"
    first = made(tmp_path / "project", text)
    assert first.lock is not None
    assert "****@" in first.lock.read_text()
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "another-cache"))
    again = Locked("run x", "python", "uv", python=HERE, lock=first.lock)

    second = made(tmp_path / "project", text, locked=again)

    assert second.packages == first.packages
    assert second.lock is not None and second.lock.read_bytes() == first.lock.read_bytes()
    assert_nowhere(paths.cache())


def test_a_login_in_the_address_of_a_repository_is_put_back_as_well(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(tmp_path / "served", tiny_package.files())
    with GitServer(tmp_path / "served", login=f"ann:{PASSWORD}") as server, serving(server):
        text = f"tiny @ git+{server.url_for(f'ann:{PASSWORD}')}/.git#subdirectory=tiny\n"
        first = made(tmp_path / "project", text)
        monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "another-cache"))
        again = Locked("run x", "python", "uv", python=HERE, lock=first.lock)
        assert made(tmp_path / "project", text, locked=again).packages["tiny"] == "3"
    assert_nowhere(paths.cache())


def test_a_login_that_nothing_names_any_more_is_told_with_what_to_do(
    private: Index, index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.add(Release("seed", "1.0"))
    kept = made(tmp_path / "project", f"apple @ {direct(private, f'ann:{PASSWORD}')}\n").lock
    again = Locked("run x", "python", "uv", python=HERE, lock=kept)
    with pytest.raises(EnvironmentFailure, match="the login for http://.*apple.* is kept in no lock") as gone:
        made(tmp_path / "project", "apple\n", locked=again)
    with pytest.raises(EnvironmentFailure, match="the environment variable APPLE_TOKEN, the login for") as unset:
        made(tmp_path / "project", f"apple @ {direct(private, 'ann:${APPLE_TOKEN}')}\n", locked=again)
    assert gone.value.hint is not None and ".netrc" in gone.value.hint
    assert unset.value.hint == "export APPLE_TOKEN=…"

    host = private.url.split("/")[2].partition(":")[0]
    (tmp_path / "netrc").write_text(f"machine {host} login ann password {PASSWORD}\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert made(tmp_path / "project", "apple\n", locked=again).packages["apple"] == "1.0"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://h/a/x.whl", "https://one:1@h/a/x.whl"),
        ("git+https://h/b/x.git@rev", "git+https://two@h/b/x.git@rev"),
        ("https://h/c/x.whl", "https://one:1@h/c/x.whl"),
        ("https://h:8/a/x.whl", "https://three:3@h:8/a/x.whl"),
    ],
)
def test_of_several_logins_the_one_of_the_nearest_address_is_taken(address: str, expected: str) -> None:
    logins = Logins(
        Requirements(
            packages=("a @ https://one:1@h/a/x.whl",),
            editables=("git+https://two@h/b/x.git",),
            options=("--extra-index-url", "https://three:3@h:8/simple"),
        )
    )
    assert logins.restored(f'url = "{address.replace("://", "://****@")}"') == f'url = "{expected}"'


def test_an_index_that_is_no_address_is_left_to_the_installer() -> None:
    logins = Logins(
        Requirements(options=("--extra-index-url", "https://one:1@h/simple")), {"UV_INDEX_URL": "http://[x"}
    )
    assert logins.added_to("https://h/x.whl") == "https://one:1@h/x.whl"


def test_the_pip_section_of_a_conda_file_has_its_login(private: Index, ask: ResolveRequest, tmp_path: Path) -> None:
    prefix = ask().prepare(Silent()).path[0].parent  # stands for an environment of conda's
    options = ("--extra-index-url", private.url_for(f"ann:{PASSWORD}"))
    request = Request(tmp_path, tmp_path)
    added = with_pip.install(Requirements(packages=("apple",), options=options), None, prefix, request, Silent())
    assert added.packages["apple"] == "1.0"
    assert PASSWORD not in "".join(added.lines)


def test_an_image_is_made_with_the_login_and_does_not_keep_it(private: Index, tmp_path: Path) -> None:
    asked = Requirements(packages=("apple",), options=("--extra-index-url", private.url_for(f"ann:{PASSWORD}")))
    this = next(one for one in interpreter.find() if one.source == "running")
    staging = tmp_path / "staging"
    staging.mkdir()
    uv = uv_configuration.uv_for(staging, asked, Silent(), offline=False)
    text = resolver.resolve(uv, lock.ResolveRequest(asked, this))
    script = packing.Material(staging, this, asked, offline=False).put(text, [])
    assert PASSWORD in (staging / "uv.toml").read_text()
    assert "UV_CONFIG_FILE=/opt/mlproj/build/uv.toml" in (staging / "settings").read_text()
    assert PASSWORD not in script
    assert PASSWORD not in text


@pytest.mark.parametrize("is_direct", [False, True])
def test_a_package_that_travels_is_fetched_with_the_login(
    private: Index, index: Index, tmp_path: Path, is_direct: bool
) -> None:
    from mlproj.package import wheels

    folder, login = tmp_path / "project", f"ann:{PASSWORD}"
    index.add(Release("seed", "1.0"))
    asked = f"apple @ {direct(private, login)}" if is_direct else f"--extra-index-url {private.url_for(login)}\napple"
    prepared = made(folder, f"{asked}\n")
    assert prepared.lock is not None
    request = Request(folder, folder)
    declared = declaration.read(Declaration("requirements", folder / "requirements.txt"), request)
    found = wheels.collect(
        request, prepared, prepared.lock, tmp_path / "wheels", Heard(), moment=None, declared=declared
    )
    assert sorted(Path(name).name for name in found.files)[0] == "apple-1.0-py3-none-any.whl"


def test_no_login_is_in_a_command_line(private: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrapper = tmp_path / "bin"
    wrapper.mkdir()
    from mlproj.environments.python import uv as uv_module

    log = tmp_path / "lines"
    (wrapper / "uv").write_text(f'#!/bin/sh\necho "$@" >> {log}\nexec {uv_module.binary()} "$@"\n')
    (wrapper / "uv").chmod(0o755)
    monkeypatch.setattr(uv_module, "binary", lambda: str(wrapper / "uv"))
    made(tmp_path / "project", f"--extra-index-url {private.url_for(f'ann:{PASSWORD}')}\napple\n")
    assert "pip compile" in log.read_text()
    assert PASSWORD not in log.read_text()
