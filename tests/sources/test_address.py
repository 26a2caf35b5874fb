from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlproj import sources
from mlproj.foundation.errors import MlprojError, SourceError, UsageError
from mlproj.sources.address import detect
from tests.sources.repository import bare, commit


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("https://github.com/mlflow/mlflow-example", "git"),
        ("https://host/repo.git#sub/dir", "git"),
        ("ssh://git@host/repo", "git"),
        ("git+https://host/repo", "git"),
        ("git+ssh://git@host/repo", "git"),
        ("git@github.com:mlflow/mlflow-example.git", "git"),
        ("host.org:repo", "git"),
        ("gh:mlflow/mlflow-example", "git"),
        ("gl:group/subgroup/project#model", "git"),
        ("https://host/project.zip", "archive"),
        ("https://host/project.tar.gz?token=abc#sub", "archive"),
    ],
)
def test_a_remote_source_is_known_by_how_it_is_written(text: str, kind: str) -> None:
    found = detect(text)

    assert found.kind == kind
    assert found.reason


def test_a_path_that_exists_is_never_read_as_anything_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("git@host:path", "gh:owner", "a#b", "a#..#b"):
        Path(name).mkdir()

        assert detect(name) == sources.Address("folder", "the path is a folder", str(tmp_path / name))


def test_a_bare_repository_a_folder_and_an_archive_are_told_apart(tmp_path: Path) -> None:
    commit(tmp_path / "work", {"a": ""})
    repository = bare(tmp_path / "work", tmp_path / "bare")
    (tmp_path / "x.TGZ").touch()

    assert detect(str(repository)).kind == "git"
    assert detect(f"file://{repository}").kind == "git"
    assert detect(f"file://{tmp_path}/work").kind == "git"
    assert detect(str(tmp_path / "work")).kind == "folder"
    assert detect(f"file://{tmp_path}").kind == "folder"
    assert detect(str(tmp_path / "x.TGZ")).kind == "archive"
    assert detect(f"file://localhost{tmp_path}/x.TGZ").kind == "archive"


def test_a_file_url_may_hold_escapes(tmp_path: Path) -> None:
    (tmp_path / "a b%").mkdir()

    assert detect(f"file://{tmp_path}/a%20b%25").place == str(tmp_path / "a b%")


def test_a_tilde_is_the_home_folder() -> None:
    (Path.home() / "project").mkdir()

    assert detect("~/project").place == str(Path.home() / "project")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nowhere", "nowhere is not there"),
        ("./no/where", "is not there"),
        ("/no/where", "/no/where is not there"),
        ("file:///no/where", "/no/where is not there"),
        ("owner/repo", "owner/repo is not there"),
    ],
)
def test_a_missing_path_says_so(text: str, says: str) -> None:
    with pytest.raises(SourceError, match=says):
        detect(text)


def test_a_missing_path_is_compared_with_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "training").mkdir()

    with pytest.raises(SourceError) as caught:
        detect(str(tmp_path / "trainin"))

    assert caught.value.hint == f"did you mean {tmp_path / 'training'}?"


def test_what_looks_like_a_repository_of_github_is_told_how_to_write_it() -> None:
    with pytest.raises(SourceError) as caught:
        detect("owner/repo")

    assert caught.value.hint is not None
    assert "gh:owner/repo" in caught.value.hint


def test_a_file_and_a_dangling_link_are_no_projects(tmp_path: Path) -> None:
    (tmp_path / "MLproject").touch()
    (tmp_path / "link").symlink_to("gone")

    with pytest.raises(SourceError, match="is a file, not a project"):
        detect(str(tmp_path / "MLproject"))
    with pytest.raises(SourceError, match="link to gone"):
        detect(str(tmp_path / "link"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "-x",
        "--upload-pack=touch /tmp/x",
        "ext::sh -c id",
        "fd::17",
        "ext::sh#x",
        "https://host/a\nb",
        "a\0b",
        "file://other/x",
        "file://x",
        "https://host/x#../y",
        "https://host/x#a/../../y",
        "https://host/x#/etc",
        "https://host/x#a\\b",
    ],
)
def test_what_can_be_no_source_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError):
        detect(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://-oProxyCommand=x/repo",
        "ssh://-oProxyCommand=touch%20x/repo",
        "ssh://host/-x y",
        "-oProxyCommand=x@host:repo",
        "git@-oProxyCommand=x:repo",
        "git@host:-repo",
        "git+ext::sh -c id",
        "git+ext://x",
        "git+git+ext::x",
        "https://",
        "https:///repo",
        "https://host",
        "https://host:99999999/x",
        "https://host/repo?token=secret",
        "https://[::1/x",
        "ssh://user:password@host/repo",
        "gh:owner",
        "gh:../..",
        "gh:a/b/c",
        "gl:x",
        "https://user%0aname:x@host/repo",
        "unknown:thing",
        "ftp://host/x",
        "https://ho st/x.zip",
        "https://[::1/x.zip",
        "C:\\project",
    ],
)
def test_a_hostile_or_malformed_source_is_refused_before_anything_runs(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # nothing could be started
    with pytest.raises(MlprojError) as caught:
        sources.open(text).pin(None, offline=False)

    assert caught.value.exit_code in (2, 66)
    assert "not installed" not in caught.value.message


def test_a_usage_error_holds_no_password() -> None:
    for text in ("https://user:secret-word@", "ssh://user:secret-word@host/x", "ftp://user:secret-word@host/x"):
        with pytest.raises(MlprojError) as caught:
            sources.open(text)

        assert "secret-word" not in f"{caught.value} {caught.value.hint}"


def test_a_sub_directory_is_written_one_way() -> None:
    for written in ("sub/dir", "sub/dir/", "./sub//dir", "sub/x/../dir", "subdirectory=sub/dir"):
        assert detect(f"gh:a/b#{written}").subdirectory == "sub/dir"
    assert detect("gh:a/b#.").subdirectory == ""
    assert detect("gh:a/b#v1.2/..x").subdirectory == "v1.2/..x"


def test_an_address_shows_no_credentials() -> None:
    found = detect("https://user:secret@host/repo")

    assert "secret" not in repr(found)
    assert "secret" not in found.masked


def test_kinds_of_outside_packages_are_found_by_their_prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site"
    (package / "outside-1.dist-info").mkdir(parents=True)
    (package / "outside-1.dist-info" / "METADATA").write_text("Name: outside\nVersion: 1\n")
    (package / "outside-1.dist-info" / "entry_points.txt").write_text(
        "[mlproj.sources]\nparcel = outside_kind:Bundle\n"
    )
    (package / "outside_kind.py").write_text(
        "class Bundle:\n    def __init__(self, address):\n        self.address = address\n"
    )
    monkeypatch.syspath_prepend(str(package))

    source = sources.open("parcel:name#sub")

    assert (source.address.place, source.address.subdirectory) == ("parcel:name", "sub")  # type: ignore[attr-defined]  # no member of the protocol


def test_a_folder_that_may_not_be_read_is_no_crash(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    os.chmod(closed, 0)
    try:
        with pytest.raises(SourceError):
            detect(str(closed / "project"))
    finally:
        os.chmod(closed, 0o700)


@pytest.mark.parametrize(
    ("page", "hint"),
    [
        ("https://github.com/o/r/tree/main/sub/dir", "write https://github.com/o/r#sub/dir -v main"),
        ("https://github.com/o/r/tree/v1.0", "write https://github.com/o/r -v v1.0"),
        ("https://github.com/o/r/blob/main/sub/MLproject", "write https://github.com/o/r#sub -v main"),
        ("https://github.com/o/r/blob/main/sub/conda.yaml", "write https://github.com/o/r#sub -v main"),
        ("https://gitlab.com/g/h/r/-/tree/main/sub?ref_type=heads", "write https://gitlab.com/g/h/r#sub -v main"),
        ("https://bitbucket.org/o/r/src/main/sub", "write https://bitbucket.org/o/r#sub -v main"),
        ("https://codeberg.org/o/r/src/branch/main/sub", "write https://codeberg.org/o/r#sub -v main"),
    ],
)
def test_a_page_copied_from_a_browser_is_told_as_the_source_that_it_shows(page: str, hint: str) -> None:
    with pytest.raises(UsageError, match="is a page about a repository") as caught:
        detect(page)

    assert caught.value.hint == hint


@pytest.mark.parametrize("url", ["https://github.com/o/r", "https://github.com/o/tree", "https://host/src/r.git"])
def test_a_repository_is_no_page(url: str) -> None:
    assert detect(url).kind == "git"
