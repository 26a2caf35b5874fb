"""``mlproj package``: what is put into the file, and what is refused."""

from __future__ import annotations

import os
import socket
import stat
import zipfile
from pathlib import Path

import pytest

from mlproj.foundation import paths
from tests.package.packed import committed, git, manifest, names, package
from tests.program import mlproj, project

TEXT = "name: p\nentry_points: {main: {command: 'cat data.txt'}}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return project(tmp_path / "p", TEXT, data__txt="data\n")


def test_a_folder_is_packaged_with_links_programs_and_empty_folders(tmp_path: Path, folder: Path) -> None:
    (folder / "run.sh").write_text("echo\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "link").symlink_to("data.txt")
    (folder / "gone").symlink_to("nowhere")
    (folder / "out" / "deep").mkdir(parents=True)
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(folder / "s"))
        done = package(folder, tmp_path / "a.mlproj", "--json")

    document = done.document["package"]
    assert (document["files"], document["source"]["uri"], document["environment"]["kind"]) == (5, "p", "system")
    assert names(tmp_path / "a.mlproj") == ["MLproject", "data.txt", "gone", "link", "run.sh"]
    members = manifest(tmp_path / "a.mlproj")["members"]
    assert (members["project/run.sh"]["executable"], members["project/link"]) == (True, {"link": "data.txt"})
    assert manifest(tmp_path / "a.mlproj")["folders"] == ["project/out/deep"]


def test_files_that_hold_secrets_are_left_out_and_listed_unless_they_are_meant(tmp_path: Path, folder: Path) -> None:
    for name in (".env", "id_rsa", "conf/secrets.yaml"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("TOKEN=s3cr3t\n")

    done = package(folder, tmp_path / "a.mlproj")
    assert "left out, as they may hold secrets: .env, conf/secrets.yaml, id_rsa" in done.err.replace("\n", " ")
    assert names(tmp_path / "a.mlproj") == ["MLproject", "data.txt"]

    committed(folder)
    package(folder, tmp_path / "b.mlproj", "--include", "conf/*")
    assert names(tmp_path / "b.mlproj") == ["MLproject", "conf/secrets.yaml", "data.txt"]


def test_a_secret_default_in_the_project_is_named_when_it_goes_along(tmp_path: Path, folder: Path) -> None:
    (folder / "MLproject").write_text(
        "entry_points: {main: {parameters: {api_key: {default: sk-12345678}}, command: 'echo {api_key} | wc -c'}}\n"
    )
    done = package(folder, tmp_path / "a.mlproj")
    assert "MLproject comes along with the default of api_key, which looks secret" in done.err.replace("\n", " ")
    assert mlproj("run", tmp_path / "a.mlproj").out.strip() == "12", "it is the same project"


def test_an_untracked_file_with_secrets_is_in_no_patch(tmp_path: Path, folder: Path) -> None:
    committed(folder)
    (folder / ".env").write_text("TOKEN=s3cr3t\n")
    (folder / "new.txt").write_text("new\n")

    package(folder, tmp_path / "a.mlproj")

    assert b"s3cr3t" not in b"".join(content(tmp_path / "a.mlproj"))
    assert names(tmp_path / "a.mlproj") == ["MLproject", "data.txt", "new.txt"]


def content(file: Path) -> list[bytes]:
    with zipfile.ZipFile(file) as archive:
        return [archive.read(name) for name in archive.namelist()]


def test_the_same_content_is_the_same_bytes_wherever_it_is(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    other = tmp_path / "elsewhere" / "p"
    other.mkdir()
    for file in sorted(folder.iterdir(), reverse=True):
        (other / file.name).write_bytes(file.read_bytes())
        os.utime(other / file.name, (1, 1))
    env = {"MLPROJ_CACHE": str(tmp_path / "cache"), "MLPROJ_HOME": str(tmp_path / "home"), "HOME": str(tmp_path)}

    package(folder, tmp_path / "a.mlproj")
    package(".", tmp_path / "b.mlproj", cwd=other, env=env)

    assert (tmp_path / "a.mlproj").read_bytes() == (tmp_path / "b.mlproj").read_bytes()


def test_a_folder_in_git_is_its_commit_with_the_uncommitted_changes(tmp_path: Path) -> None:
    top = tmp_path / "top"
    project(top / "sub", TEXT, data__txt="data\n", old__txt="old\n")
    (top / ".gitignore").write_text("*.log\nlarge/\n")
    committed(top)
    package(top / "sub", tmp_path / "clean.mlproj")
    (top / "sub" / "data.txt").write_text("changed\n")
    (top / "sub" / "old.txt").unlink()
    (top / "sub" / "new.txt").write_text("new\n")
    (top / "sub" / "a.log").write_text("ignored\n")
    (top / "large").mkdir()
    (top / "large" / "x").write_text("ignored\n")
    package(f"{top}#sub", tmp_path / "dirty.mlproj")

    clean, dirty = (manifest(tmp_path / f"{name}.mlproj") for name in ("clean", "dirty"))
    assert names(tmp_path / "clean.mlproj") == [".gitignore", "sub/MLproject", "sub/data.txt", "sub/old.txt"]
    assert names(tmp_path / "dirty.mlproj") == [".gitignore", "sub/MLproject", "sub/data.txt", "sub/new.txt"]
    assert names(tmp_path / "dirty.mlproj", "record") == ["diff.patch"]
    assert clean["source"]["commit"] == dirty["source"]["commit"] == git(top, "rev-parse", "HEAD").strip()
    assert (clean["source"]["dirty"], dirty["source"]["dirty"], dirty["subdirectory"]) == (False, True, "sub")
    assert "changed" in mlproj("run", tmp_path / "dirty.mlproj").out


def test_changes_that_are_too_large_for_a_patch_are_packaged_all_the_same(tmp_path: Path, folder: Path) -> None:
    (folder / ".gitignore").write_text("ignored\n")
    committed(folder)
    (folder / "ignored").mkdir()
    (folder / "ignored" / "x").write_text("x")
    (folder / "large").write_bytes(os.urandom(11_000_000))

    package(folder, tmp_path / "a.mlproj")

    assert names(tmp_path / "a.mlproj") == [".gitignore", "MLproject", "data.txt", "large"]
    assert manifest(tmp_path / "a.mlproj")["source"]["dirty"] is True


def test_a_repository_without_a_commit_is_packaged_without_what_it_ignores(tmp_path: Path, folder: Path) -> None:
    git(folder, "init", "-q")
    (folder / ".gitignore").write_text("ignored\n")
    (folder / "ignored").write_text("x")

    package(folder, tmp_path / "a.mlproj")

    assert names(tmp_path / "a.mlproj") == [".gitignore", "MLproject", "data.txt"]


def test_a_repository_by_its_url_at_a_version(tmp_path: Path, folder: Path) -> None:
    committed(folder)
    git(folder, "tag", "v1")
    (folder / "later.txt").write_text("later\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "two")

    package(folder.as_uri(), tmp_path / "a.mlproj", "-v", "v1")

    assert names(tmp_path / "a.mlproj") == ["MLproject", "data.txt"]
    assert (manifest(tmp_path / "a.mlproj")["source"]["tag"], manifest(tmp_path / "a.mlproj")["source"]["uri"]) == (
        "v1",
        "p",
    )


@pytest.mark.parametrize(
    ("name", "target", "reason"),
    [
        ("l", "/etc/passwd", "the link l leads out of what is packaged, to '/etc/passwd'"),
        ("l", "../x", "the link l leads out of what is packaged, to '../x'"),
        ("l", "up/../../x", "the link l leads out of what is packaged"),
        ("a\\b", None, "holds a character that not every system takes in a name"),
        (os.fsdecode(b"caf\xe9"), None, "is no UTF-8"),
        ("l", os.fsdecode(b"caf\xe9"), "the link l cannot be put into a package"),
    ],
)
def test_what_no_package_can_hold_is_refused_with_the_reason(
    tmp_path: Path, folder: Path, name: str, target: str | None, reason: str
) -> None:
    (folder / "up").symlink_to(".")
    if target is None:
        (folder / name).write_text("")
    else:
        (folder / name).symlink_to(target)

    done = mlproj("package", folder, "-o", tmp_path / "a.mlproj")

    assert done.code == 2 and reason in done.err
    assert [place.name for place in tmp_path.iterdir()] == ["p"]
    assert not [place for place in paths.checkouts().iterdir() if place.is_dir()]


def test_names_that_only_this_system_tells_apart_are_kept(tmp_path: Path, folder: Path) -> None:
    odd = ["README", "readme", "caf\u00e9", "cafe\u0301", "two\nlines", "- x", "100%"]
    for name in odd:
        (folder / name).write_text(name)

    package(folder, tmp_path / "a.mlproj")

    assert {*odd} < {*names(tmp_path / "a.mlproj")}
    assert mlproj("run", tmp_path / "a.mlproj").code == 0


def test_a_folder_whose_own_name_is_no_utf8_is_packaged(tmp_path: Path, folder: Path) -> None:
    named = folder.rename(tmp_path / "caf\udce9")

    package(named, tmp_path / "a.mlproj")

    assert manifest(tmp_path / "a.mlproj")["source"]["uri"] == "caf_"
    assert mlproj("run", tmp_path / "a.mlproj").code == 0


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["-o", "a.zip"], "the name of a package ends with .mlproj, and 'a.zip' does not"),
        (["-o", "nowhere/a.mlproj"], "the folder of nowhere/a.mlproj is not there"),
        (["-o", "old.mlproj"], "old.mlproj is there already"),
        (["-o", "a.mlproj", "--platform", "linux/arm64"], "go with --offline"),
        (["-o", "a.mlproj", "--no-python"], "go with --offline"),
        (["-o", "a.mlproj", "--offline", "--platform", "amiga"], "'amiga' is not a known platform"),
        (["-o", "a.mlproj", "-e", "nothing"], "no entry point called 'nothing'"),
        (["-o", "a.mlproj", "-v", "v1"], "is in no Git repository"),
    ],
)
def test_mistakes_are_told_before_anything_is_made(
    tmp_path: Path, folder: Path, arguments: list[str], reason: str
) -> None:
    (tmp_path / "old.mlproj").write_text("old")

    done = mlproj("package", folder, *arguments, cwd=tmp_path)

    assert done.code == 2 and reason in done.err
    assert sorted(place.name for place in tmp_path.iterdir()) == ["old.mlproj", "p"]
    assert (tmp_path / "old.mlproj").read_text() == "old"


def test_a_package_is_replaced_when_asked_for_also_by_itself(tmp_path: Path, folder: Path) -> None:
    package(folder, tmp_path / "a.mlproj")
    package(tmp_path / "a.mlproj", tmp_path / "a.mlproj", "--force")

    assert names(tmp_path / "a.mlproj") == ["MLproject", "data.txt"]
    assert stat.S_IMODE((tmp_path / "a.mlproj").stat().st_mode) & 0o400


def test_a_script_is_packaged_with_its_entry_point(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "hello.sh").write_text("echo hello\n")

    package(tmp_path / "s", tmp_path / "a.mlproj", "-e", "hello.sh")

    assert "hello" in mlproj("run", tmp_path / "a.mlproj").out
