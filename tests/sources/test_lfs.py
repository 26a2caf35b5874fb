from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlproj import sources
from mlproj.http.fetcher import Route
from mlproj.sources import lfs, lfs_settings, lfs_transfer
from mlproj.sources.base import Checkout
from tests.sources.git_server import GitServer, serving
from tests.sources.repository import bare, commit, git

HEAVY = b"\0heavy" * 1000
LOGIN = "someone:secret word@1"
ATTRIBUTES = "*.bin filter=lfs diff=lfs merge=lfs -text\n"


def pointer(content: bytes, size: int | None = None) -> str:
    size = len(content) if size is None else size
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256(content)}\nsize {size}\n"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def fetched(uri: Path | str, *, offline: bool = False) -> Checkout:
    source = sources.open(str(uri))
    return source.fetch(source.pin(None, offline=offline), isolated=False)


def is_pointer(path: Path) -> bool:
    return path.read_bytes().startswith(b"version https://git-lfs")


@pytest.fixture
def without_lfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "only-git"
    folder.mkdir()
    for name in ("git", "sh", "cat", "ssh"):
        (folder / name).symlink_to(shutil.which(name) or name)
    monkeypatch.setenv("PATH", str(folder))


@pytest.mark.usefixtures("without_lfs")
def test_without_git_lfs_files_that_are_no_pointers_are_welcome(tmp_path: Path) -> None:
    commit(tmp_path / "work", {"a.bin": "whole", ".gitattributes": "*.bin filter=lfs\n"})
    git(tmp_path, "config", "--global", "filter.lfs.process", "git-lfs filter-process")
    git(tmp_path, "config", "--global", "filter.lfs.required", "true")

    assert (fetched(f"file://{tmp_path}/work").root / "a.bin").read_text() == "whole"


@pytest.mark.usefixtures("without_lfs")
def test_what_the_repository_on_this_machine_lost_is_told_so(tmp_path: Path) -> None:
    commit(tmp_path / "work", {"a.bin": pointer(HEAVY), ".gitattributes": ATTRIBUTES})

    assert "repository on this machine does not have it" in fetched(f"file://{tmp_path}/work").given.notes[0]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A work tree with data.bin in LFS."""
    folder = tmp_path / "work"
    commit(folder, {})
    git(folder, "lfs", "install", "--local", "--skip-repo")
    (folder / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    commit(folder, {"data.bin": b"\0heavy"})
    assert git(folder, "show", "HEAD:data.bin").startswith("version https://git-lfs")
    return folder


@pytest.mark.needs("git-lfs")
def test_with_git_lfs_the_files_come_and_are_kept(work: Path) -> None:
    checkout = fetched(f"file://{work}")

    assert (checkout.root / "data.bin").read_bytes() == b"\0heavy"
    assert (
        git(
            checkout.root,
            "-c",
            "filter.lfs.process=git-lfs filter-process",
            "-c",
            "filter.lfs.required=true",
            "status",
            "--porcelain",
        )
        == ""
    )
    shutil.rmtree(work / ".git" / "lfs")
    assert (fetched(f"file://{work}", offline=True).root / "data.bin").read_bytes() == b"\0heavy"


@pytest.mark.needs("git-lfs")
def test_a_large_file_that_its_server_lost_stays_a_pointer_and_is_named(work: Path) -> None:
    shutil.rmtree(work / ".git" / "lfs")

    checkout = fetched(f"file://{work}")

    assert (checkout.root / "data.bin").read_bytes().startswith(b"version https://git-lfs")
    assert re.search(r"data\.bin \(.*missing object", checkout.given.notes[0])


@pytest.mark.needs("git-lfs")
def test_a_clean_work_tree_with_large_files_is_clean(work: Path) -> None:
    revision = sources.open(str(work)).pin(None, offline=False)

    assert revision.dirty is False


@pytest.fixture
def server(tmp_path: Path, without_lfs: None) -> Iterator[GitServer]:
    """Serves x.git with a.bin and sub/b.bin (the same content) and lost.bin, which its LFS server does not have."""
    files = {
        "a.bin": pointer(HEAVY),
        "sub/b.bin": pointer(HEAVY),
        "lost.bin": pointer(b"lost"),
        ".gitattributes": ATTRIBUTES,
    }
    commit(tmp_path / "work", {**files, "MLproject": "name: x"})
    (tmp_path / "served").mkdir()
    bare(tmp_path / "work", tmp_path / "served" / "x.git")
    made = GitServer(tmp_path / "served")
    made.contents[sha256(HEAVY)] = HEAVY
    with serving(made):
        yield made


def test_without_git_lfs_the_files_come_and_what_the_server_lost_is_named(server: GitServer) -> None:
    checkout = fetched(f"{server.url}/x.git")

    assert (checkout.root / "a.bin").read_bytes() == (checkout.root / "sub" / "b.bin").read_bytes() == HEAVY
    assert is_pointer(checkout.root / "lost.bin")
    assert re.search(r"lost\.bin \(.*Object does not exist", checkout.given.notes[0])
    assert "a.bin" not in checkout.given.notes[0]
    assert git(checkout.root, "status", "--porcelain") == ""


def test_files_that_were_fetched_once_need_no_network(server: GitServer) -> None:
    fetched(f"{server.url}/x.git")
    server.requests.clear()

    checkout = fetched(f"{server.url}/x.git", offline=True)

    assert (checkout.root / "a.bin").read_bytes() == HEAVY
    assert "--offline" in checkout.given.notes[0]
    assert server.requests == []


def test_skipped_by_the_users_variable_they_stay_pointers_and_nobody_is_asked(
    server: GitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_LFS_SKIP_SMUDGE", "1")

    checkout = fetched(f"{server.url}/x.git")

    assert is_pointer(checkout.root / "a.bin")
    assert "GIT_LFS_SKIP_SMUDGE" in checkout.given.notes[0]
    assert not any("lfs" in request for request in server.requests)


def test_a_repository_on_this_machine_gives_its_own_files(tmp_path: Path, without_lfs: None) -> None:
    commit(tmp_path / "work", {"a.bin": pointer(HEAVY), ".gitattributes": ATTRIBUTES})
    oid = sha256(HEAVY)
    kept = tmp_path / "work" / ".git" / "lfs" / "objects" / oid[:2] / oid[2:4] / oid
    kept.parent.mkdir(parents=True)
    kept.write_bytes(HEAVY)

    assert (fetched(f"file://{tmp_path}/work").root / "a.bin").read_bytes() == HEAVY


def test_a_submodule_has_its_large_files_too(server: GitServer, tmp_path: Path) -> None:
    inner = git(tmp_path / "work", "rev-parse", "HEAD")
    (tmp_path / "work" / ".gitmodules").write_text(f'[submodule "data"]\n\tpath = data\n\turl = {server.url}/x.git\n')
    git(tmp_path / "work", "add", ".gitmodules")
    git(tmp_path / "work", "update-index", "--add", "--cacheinfo", f"160000,{inner},data")
    git(tmp_path / "work", "commit", "--quiet", "--message=with a submodule")
    git(tmp_path / "work", "push", "--quiet", str(server.root / "x.git"), "main:outer")
    source = sources.open(f"{server.url}/x.git")

    checkout = source.fetch(source.pin("outer", offline=False), isolated=False)

    assert (checkout.root / "data" / "a.bin").read_bytes() == HEAVY
    assert "data/lost.bin" in checkout.given.notes[0]


@pytest.mark.parametrize("how", ["url", "helper", "netrc"])
def test_a_login_is_that_of_git(server: GitServer, tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    server.login = LOGIN
    address = f"{server.url}/x.git"
    if how == "url":
        address = f"{server.url_for('someone:secret%20word%401')}/x.git"
    elif how == "helper":
        git(
            tmp_path,
            "config",
            "--global",
            "credential.helper",
            "!f() { echo username=someone; echo 'password=secret word@1'; }; f",
        )
    else:
        server.login = "someone:secret"
        (Path.home() / ".netrc").write_text("machine 127.0.0.1 login someone password secret\n")
        (Path.home() / ".netrc").chmod(0o600)

    checkout = fetched(address)

    assert (checkout.root / "a.bin").read_bytes() == HEAVY
    for file in checkout.root.rglob("*"):
        assert not file.is_file() or b"secret" not in file.read_bytes(), file


def test_a_login_goes_to_no_other_host(server: GitServer, tmp_path: Path) -> None:
    other = GitServer(tmp_path / "served")
    other.contents.update(server.contents)
    seen: list[str | None] = []
    server.login = LOGIN
    handler = other.RequestHandlerClass

    class Watched(handler):  # type: ignore[valid-type,misc]
        def do_GET(self) -> None:  # noqa: N802
            seen.append(self.headers.get("Authorization"))
            super().do_GET()

    other.RequestHandlerClass = Watched
    with serving(other):
        server.answer = lambda usual: {
            **usual,
            "actions": {"download": {"href": f"{other.url}/x.git/info/lfs/content/{usual['oid']}"}},
        }
        checkout = fetched(f"{server.url_for('someone:secret%20word%401')}/x.git")

    assert (checkout.root / "a.bin").read_bytes() == HEAVY
    assert set(seen) == {None}


def test_the_server_that_a_project_names_is_asked(server: GitServer, tmp_path: Path) -> None:
    other = GitServer(tmp_path / "served")
    other.contents, server.contents = server.contents, {}
    with serving(other):
        commit(tmp_path / "work", {".lfsconfig": f"[lfs]\n\turl = {other.url}/elsewhere.git/info/lfs\n"})
        git(tmp_path / "work", "push", "--quiet", str(server.root / "x.git"), "main")

        assert (fetched(f"{server.url}/x.git").root / "a.bin").read_bytes() == HEAVY


@pytest.mark.parametrize(
    ("setting", "fetched_paths"),
    [
        (("lfs.fetchexclude", "sub"), ["a.bin"]),
        (("lfs.fetchexclude", "/a.bin, lost*"), ["sub/b.bin"]),
        (("lfs.fetchinclude", "sub/*.bin"), ["sub/b.bin"]),
        (("lfs.fetchinclude", "*.csv"), []),
    ],
)
@pytest.mark.parametrize("where", ["user", "project"])
def test_files_that_are_not_wanted_stay_pointers(
    server: GitServer, tmp_path: Path, setting: tuple[str, str], fetched_paths: list[str], where: str
) -> None:
    if where == "user":
        git(tmp_path, "config", "--global", *setting)
    else:
        git(tmp_path, "config", "--file", str(tmp_path / "work" / ".lfsconfig"), *setting)
        commit(tmp_path / "work", {})
        git(tmp_path / "work", "push", "--quiet", str(server.root / "x.git"), "main")

    checkout = fetched(f"{server.url}/x.git")

    whole = [name for name in ("a.bin", "sub/b.bin") if not is_pointer(checkout.root / name)]
    assert whole == fetched_paths
    assert setting[0] in checkout.given.notes[0]


@pytest.mark.needs("git-lfs")
def test_git_lfs_is_asked_for_what_is_wanted_too(work: Path, tmp_path: Path) -> None:
    git(tmp_path, "config", "--global", "lfs.fetchexclude", "data.*")
    assert "lfs.fetchexclude names it" in fetched(f"file://{work}").given.notes[0]


def test_the_proxy_of_git_is_asked(server: GitServer, tmp_path: Path) -> None:
    git(tmp_path, "config", "--global", "http.http://lfs.invalid/.proxy", server.url)
    git(tmp_path, "config", "--global", "lfs.url", "http://lfs.invalid/x.git/info/lfs")
    server.answer = link(f"http://lfs.invalid/x.git/info/lfs/content/{sha256(HEAVY)}")  # type: ignore[assignment]

    checkout = fetched(f"{server.url}/x.git")

    asked = [request for request in server.requests if "http://lfs.invalid/" in request]
    assert any("objects/batch" in request for request in asked), "the server was asked by way of the proxy"
    assert any(sha256(HEAVY) in request for request in asked), "so was the one with the file"
    assert not is_pointer(checkout.root / "a.bin") and is_pointer(checkout.root / "lost.bin")


def test_a_proxy_that_is_none_for_http_is_a_reason(server: GitServer, tmp_path: Path) -> None:
    git(tmp_path, "config", "--global", "http.http://lfs.invalid/.proxy", "socks5://127.0.0.1:1")
    git(tmp_path, "config", "--global", "lfs.url", "http://lfs.invalid/x.git/info/lfs")
    assert "none for http (socks5)" in fetched(f"{server.url}/x.git").given.notes[0]


def test_certificates_are_verified_as_git_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(tmp_path, "init", "-q", str(tmp_path / "r"))
    git(tmp_path, "config", "--global", "http.https://one.example/.sslVerify", "off")
    git(tmp_path, "config", "--global", "http.https://two.example.sslCAInfo", "~/ours.pem")
    git(tmp_path, "config", "--global", "http.https://four.example.sslCAInfo", "~no-such-user/ours.pem")

    def route(host: str) -> Route:
        return lfs_settings.route(f"https://{host}/x.git/info/lfs", tmp_path / "r")

    assert route("one.example") == Route(is_verified=False)
    assert route("two.example") == Route(authorities=str(Path.home() / "ours.pem"))
    assert route("three.example") == Route()
    assert route("four.example") == Route(authorities="~no-such-user/ours.pem")
    with pytest.raises(OSError, match="No such file"):
        route("two.example").handlers()


def says(**changes: object) -> object:
    return lambda usual: {**usual, **changes}


def link(href: object, **more: object) -> object:
    return says(actions={"download": {"href": href, **more}})


@pytest.mark.parametrize(
    ("answer", "sent", "reason"),
    [
        (None, lambda content: [content[:-1] + b"x"], "another content"),
        (None, lambda content: [content] * 1000, "more than the"),
        (None, lambda content: [content[:10]], "broke off"),
        (link("file:///etc/passwd"), None, "sends to file"),
        (link("ftp://127.0.0.1/x"), None, "sends to ftp"),
        (link("/etc/passwd"), None, "sends to nowhere"),
        (link("http:///x"), None, "without a host"),
        (link("http://127.0.0.1:1/x"), None, "127.0.0.1:1"),
        (link("http://127.0.0.1:port/x"), None, ""),
        (link(["x"]), None, "nowhere"),
        (link("http://127.0.0.1:1/", header=["x"]), None, "no usable answer"),
        (link("http://127.0.0.1:1/", header={"X": "a\r\nHost: b"}), None, "127.0.0.1:1"),
        (says(actions=None), None, "no usable answer"),
        (says(oid="0" * 64), None, "no usable answer"),
        (says(error="no"), None, "no usable answer"),
        (says(error={"message": "pay first http://u:secret@h/?token=secret", "code": 402}), None, "pay first"),
    ],
)
def test_a_hostile_server_leaves_pointers_and_a_reason(
    server: GitServer, answer: object, sent: object, reason: str
) -> None:
    if answer:
        server.answer = answer  # type: ignore[assignment]
    if sent:
        server.sent = sent  # type: ignore[assignment]

    checkout = fetched(f"{server.url}/x.git")

    assert is_pointer(checkout.root / "a.bin")
    assert re.search(rf"a\.bin.*{reason}", checkout.given.notes[0])
    assert "secret" not in checkout.given.notes[0]
    assert list(checkout.root.glob(".*.[0-9]*")) == []


def test_a_server_that_lets_us_wait_is_given_up(server: GitServer, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setattr(lfs_transfer, "PATIENCE", 0.3)

    def drop_by_drop(content: bytes) -> Iterator[bytes]:
        for position in range(100):
            time.sleep(0.05)
            yield content[position : position + 1]

    server.sent = drop_by_drop

    assert re.search(r"a\.bin.*less than 100 bytes in a second", fetched(f"{server.url}/x.git").given.notes[0])


def test_a_file_for_which_there_is_no_room_is_not_begun(server: GitServer, tmp_path: Path) -> None:
    commit(tmp_path / "work", {"huge.bin": pointer(b"huge", 10**17)})
    git(tmp_path / "work", "push", "--quiet", str(server.root / "x.git"), "main")

    checkout = fetched(f"{server.url}/x.git")

    assert (checkout.root / "a.bin").read_bytes() == HEAVY
    assert re.search(r"huge\.bin \(.*no room", checkout.given.notes[0])


def test_a_kept_file_that_was_damaged_is_fetched_again(server: GitServer) -> None:
    from mlproj.foundation import paths

    fetched(f"{server.url}/x.git")
    (kept,) = paths.git_mirrors().glob(f"*/lfs/objects/*/*/{sha256(HEAVY)}")
    kept.write_bytes(HEAVY[:-1] + b"x")

    assert (fetched(f"{server.url}/x.git").root / "a.bin").read_bytes() == HEAVY


def test_a_project_may_not_name_a_folder_of_this_machine_as_its_server(server: GitServer, tmp_path: Path) -> None:
    commit(tmp_path / "work", {".lfsconfig": f"[lfs]\n\turl = file://{tmp_path}/work\n"})
    git(tmp_path / "work", "push", "--quiet", str(server.root / "x.git"), "main")

    assert "folder of this machine" in fetched(f"{server.url}/x.git").given.notes[0]


def test_a_failed_run_is_told_which_pointers_there_are(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.bin").write_text(pointer(HEAVY))

    assert "sub/a.bin" in (lfs.explain_failure(tmp_path) or "")
    (tmp_path / "sub" / "a.bin").write_bytes(HEAVY)
    assert lfs.explain_failure(tmp_path) is None


def test_over_ssh_the_host_says_where_its_large_files_are(
    server: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = json.dumps(
        {
            "href": f"{server.url}/x.git/info/lfs",
            "header": {"Authorization": "Basic " + b64encode(LOGIN.encode()).decode()},
        }
    )
    program = tmp_path / "ssh-here"  # what follows the host is run on this machine
    program.write_text(
        f"#!/bin/sh\nPATH={os.defpath}:/usr/local/bin\nfor last; do :; done\n"
        f'case "$last" in git-lfs-authenticate*) echo "$last" > {tmp_path}/asked; '
        f"echo '{answer}' ;; *) exec sh -c \"$last\" ;; esac\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(program))
    monkeypatch.setenv("GIT_SSH_VARIANT", "ssh")
    server.login = LOGIN

    checkout = fetched(f"ssh://git@nowhere.invalid:2222{server.root}/x.git")

    assert (checkout.root / "a.bin").read_bytes() == HEAVY
    assert (tmp_path / "asked").read_text() == f"git-lfs-authenticate {server.root}/x.git download\n"


@pytest.mark.parametrize(
    "answer",
    [
        b"[" * 200_000,
        b"null",
        b"<html>",
        b'{"objects": {}}',
        b'{"objects": [], "transfer": "x"}',
        b"[" + b"1," * 6_000_000 + b"1]",
    ],
    ids=["deep", "null", "html", "no list", "another transfer", "huge"],
)
def test_an_answer_of_another_shape_is_a_reason(server: GitServer, answer: bytes) -> None:
    server.batch = (200, answer, {})

    assert re.search(r"a\.bin.*could not be asked", fetched(f"{server.url}/x.git").given.notes[0])


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "http://[::1", "ftp://127.0.0.1/x", "/x/info/lfs/objects/batch"]
)
def test_a_server_that_redirects_elsewhere_or_without_end_is_given_up(server: GitServer, target: str) -> None:
    server.batch = (307, b"", {"Location": target})

    assert re.search(r"a\.bin.*(not followed|without end)", fetched(f"{server.url}/x.git").given.notes[0])
