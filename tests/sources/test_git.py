from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mlproj import sources
from mlproj.foundation import paths
from mlproj.foundation.errors import SourceError, UsageError
from mlproj.sources.base import Checkout, Revision
from tests.sources.repository import LATER, LONG_AGO, bare, commit, git


def fetched(uri: Path | str, version: str | None = None, *, offline: bool = False) -> tuple[Revision, Checkout]:
    source = sources.open(str(uri))
    revision = source.pin(version, offline=offline)
    return revision, source.fetch(revision, isolated=False)


def pinned(uri: Path | str, version: str | None = None, *, offline: bool = False) -> Revision:
    return sources.open(str(uri)).pin(version, offline=offline)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Two commits on main, one on feature/x, an annotated and a light tag."""
    folder = tmp_path / "work"
    commit(folder, {"MLproject": "name: x", "requirements.txt": "six", "sub.dir/train.py": "1"}, LONG_AGO)
    git(folder, "tag", "--annotate", "--message=one", "v1.0")
    git(folder, "tag", "light")
    commit(folder, {"sub.dir/train.py": "2"}, LATER)
    git(folder, "checkout", "--quiet", "-b", "feature/x")
    commit(folder, {"sub.dir/train.py": "3"})
    git(folder, "checkout", "--quiet", "main")
    return folder


@pytest.fixture
def origin(work: Path, tmp_path: Path) -> Path:
    return bare(work, tmp_path / "origin.git")


def moved_away(origin: Path) -> None:
    """From now on the remote cannot be reached."""
    origin.rename(origin.with_name("moved"))


def test_without_a_version_the_default_branch_is_taken_and_named(origin: Path) -> None:
    revision, checkout = fetched(f"file://{origin}")

    assert revision.commit == git(origin, "rev-parse", "main")
    assert (revision.branch, revision.tag, revision.requested, revision.dirty) == ("main", None, None, False)
    assert revision.commit_date == LATER
    assert revision.uri == f"file://{origin}"
    assert (checkout.project_dir / "sub.dir" / "train.py").read_text() == "2"


def test_the_default_branch_is_the_one_that_the_remote_says(origin: Path) -> None:
    pinned(origin)
    git(origin, "symbolic-ref", "HEAD", "refs/heads/feature/x")

    assert pinned(origin).branch == "feature/x"
    assert pinned(origin, offline=True).branch == "feature/x"


@pytest.mark.parametrize("known_before", [False, True])
@pytest.mark.parametrize(
    ("version", "names", "branch", "tag", "content"),
    [
        ("main", "main", "main", None, "2"),
        ("feature/x", "feature/x", "feature/x", None, "3"),
        ("origin/feature/x", "feature/x", "feature/x", None, "3"),
        ("refs/heads/feature/x", "feature/x", "feature/x", None, "3"),
        ("v1.0", "v1.0", None, "v1.0", "1"),
        ("refs/tags/v1.0", "v1.0", None, "v1.0", "1"),
        ("light", "light", None, "light", "1"),
        ("HEAD", "main", "main", None, "2"),
    ],
)
def test_branches_and_tags_are_found(
    origin: Path, version: str, names: str, branch: str | None, tag: str | None, content: str, known_before: bool
) -> None:
    if known_before:
        pinned(origin)

    revision, checkout = fetched(origin, version)

    assert revision.commit == git(origin, "rev-parse", f"{names}^{{commit}}")
    assert (revision.branch, revision.tag, revision.requested) == (branch, tag, version)
    assert (checkout.root / "sub.dir" / "train.py").read_text() == content


@pytest.mark.parametrize("digits", [40, 12, 7])
@pytest.mark.parametrize("known_before", [False, True])
def test_old_commits_are_found_in_full_and_short(origin: Path, digits: int, known_before: bool) -> None:
    old = git(origin, "rev-parse", "main~1")
    if known_before:
        pinned(origin)

    revision, checkout = fetched(origin, old[:digits].upper())

    assert revision.commit == old
    assert (checkout.root / "sub.dir" / "train.py").read_text() == "1"


def test_a_commit_that_no_branch_heads_is_found(work: Path, origin: Path) -> None:
    git(work, "checkout", "--quiet", "--detach")
    lost = commit(work, {"sub.dir/train.py": "lost"})
    git(work, "push", "--quiet", str(origin), f"{lost}:refs/heads/passing")
    git(origin, "update-ref", "-d", "refs/heads/passing")

    assert (fetched(origin, lost)[1].root / "sub.dir" / "train.py").read_text() == "lost"


def test_a_branch_wins_over_a_tag_of_the_same_name_and_the_user_is_told(origin: Path) -> None:
    git(origin, "tag", "main", "v1.0")
    pinned(origin, "light")

    revision = pinned(origin, "main")

    assert revision.branch == "main"
    assert "both a branch and a tag" in revision.notes[0]


def test_a_branch_that_looks_like_a_commit_is_a_branch(origin: Path) -> None:
    git(origin, "branch", "deadbeef", "feature/x")

    assert pinned(origin, "deadbeef").branch == "deadbeef"


def test_a_branch_is_asked_for_each_time(work: Path, origin: Path) -> None:
    pinned(origin, "main")
    new = commit(work, {"sub.dir/train.py": "4"})
    git(work, "push", "--quiet", str(origin), "main")

    revision, checkout = fetched(origin, "main")

    assert revision.commit == new
    assert (checkout.root / "sub.dir" / "train.py").read_text() == "4"


def test_a_rewritten_branch_and_one_that_became_a_folder_are_followed(work: Path, origin: Path) -> None:
    pinned(origin, "feature/x")
    git(origin, "branch", "-m", "feature/x", "feature")
    git(origin, "update-ref", "refs/heads/feature", git(origin, "rev-parse", "v1.0^{commit}"))

    assert pinned(origin, "feature").commit == git(origin, "rev-parse", "v1.0^{commit}")


def test_a_known_commit_needs_no_remote(origin: Path) -> None:
    known = git(origin, "rev-parse", "main")
    pinned(origin)
    place = sources.open(str(origin))
    moved_away(origin)

    revision = place.pin(known, offline=False)

    assert revision.commit == known
    assert (place.fetch(revision, isolated=False).root / "MLproject").exists()
    assert place.pin(known[:10], offline=True).commit == known


def test_offline_takes_what_was_last_seen(origin: Path) -> None:
    first = pinned(origin, "v1.0")
    source = sources.open(f"{origin}#sub.dir")
    moved_away(origin)

    offline = source.pin("v1.0", offline=True)

    assert (offline.commit, offline.tag) == (first.commit, "v1.0")
    assert "offline" in offline.notes[0]
    checkout = source.fetch(offline, isolated=False)
    assert (checkout.project_dir / "train.py").read_text() == "1"
    assert checkout.last_changed(checkout.root / "MLproject") == LONG_AGO


@pytest.mark.parametrize("version", ["feature/x", "v1.0", "0" * 40])
def test_offline_does_not_take_the_only_version_seen_for_the_default(work: Path, origin: Path, version: str) -> None:
    pinned(origin, version.replace("0" * 40, git(work, "rev-parse", "main")))

    with pytest.raises(SourceError, match="its default branch was never fetched"):
        pinned(origin, offline=True)


def test_a_remote_whose_head_leaves_its_branch_has_no_default_branch_from_then_on(work: Path) -> None:
    pinned(f"file://{work}")
    git(work, "checkout", "--quiet", "--detach", "v1.0")

    for offline in (False, True):
        revision = pinned(f"file://{work}", offline=offline)

        assert (revision.branch, revision.commit) == (None, git(work, "rev-parse", "v1.0^{commit}"))


@pytest.mark.parametrize("version", [None, "main", "0" * 40, "abcdef1"])
def test_offline_says_what_was_never_fetched(origin: Path, version: str | None) -> None:
    with pytest.raises(SourceError, match="never fetched, and --offline forbids") as caught:
        pinned(origin, version, offline=True)

    assert caught.value.hint == "run it once without --offline"


def test_offline_compares_an_unknown_version_with_those_seen(origin: Path) -> None:
    pinned(origin, "feature/x")

    with pytest.raises(SourceError) as caught:
        pinned(origin, "feature/y", offline=True)

    assert caught.value.hint == "did you mean 'feature/x'?"


def test_an_unknown_version_is_compared_with_branches_and_tags(origin: Path) -> None:
    for version, hint in (("v1.1", "did you mean 'v1.0'?"), ("zzz", "it has: feature/x, light, main, v1.0")):
        for _ in ("new", "known"):
            with pytest.raises(SourceError, match=f"no branch, tag or commit '{version}'") as caught:
                pinned(origin, version)

            assert caught.value.hint == hint


def test_an_unknown_commit_is_named(origin: Path) -> None:
    for version in ("0123456789abcdef0123456789abcdef01234567", "0123456"):
        with pytest.raises(SourceError, match=version):
            pinned(origin, version)


@pytest.mark.parametrize(
    "version",
    ["", "-x", "--upload-pack=touch x", "a..b", "HEAD~1", "a b", "x:y", "@{u}", "a\nb", "x.lock", "*", "../x"],
)
def test_what_can_be_no_version_is_a_usage_error(origin: Path, version: str) -> None:
    with pytest.raises(UsageError, match="is no branch, tag or commit"):
        pinned(origin, version)


def test_an_empty_repository_has_nothing_to_run(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "empty.git")

    for _ in ("new", "known"):
        with pytest.raises(SourceError, match="no commit yet"):
            pinned(tmp_path / "empty.git")


def test_a_remote_with_a_detached_head_has_no_branch(work: Path) -> None:
    git(work, "checkout", "--quiet", "--detach", "v1.0")

    for _ in ("new", "known"):
        revision = pinned(f"file://{work}")

        assert (revision.commit, revision.branch) == (git(work, "rev-parse", "v1.0^{commit}"), None)


def test_a_shallow_remote_is_no_hindrance(work: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--bare", "--depth=1", f"file://{work}", str(tmp_path / "shallow.git"))

    revision, checkout = fetched(tmp_path / "shallow.git")

    assert revision.branch == "main"
    assert checkout.last_changed(checkout.root / "MLproject") == LATER
    assert fetched(tmp_path / "shallow.git", git(work, "rev-parse", "main"))[0].commit == revision.commit


def test_a_repository_of_sha256_commits_works(tmp_path: Path) -> None:
    folder = tmp_path / "long"
    git(tmp_path, "init", "--quiet", "--object-format=sha256", "--initial-branch=main", str(folder))
    name = commit(folder, {"a": "1"})
    assert len(name) == 64

    revision, checkout = fetched(f"file://{folder}", name)

    assert revision.commit == git(checkout.root, "rev-parse", "HEAD") == name
    assert checkout.last_changed(checkout.root / "a") == revision.commit_date


def test_a_path_with_odd_characters_is_a_repository_all_the_same(work: Path, tmp_path: Path) -> None:
    odd = bare(work, tmp_path / "a b%20ü'\"$x.git")

    assert fetched(odd)[0].commit == git(work, "rev-parse", "main")
    assert fetched(odd, git(work, "rev-parse", "v1.0^{commit}"))[1].last_changed(Path("MLproject")) == LONG_AGO


def test_a_checkout_is_a_clean_work_tree_of_its_own(origin: Path) -> None:
    revision, checkout = fetched(f"{origin}#sub.dir")
    root = checkout.root

    assert not checkout.in_place
    assert checkout.project_dir == root / "sub.dir"
    assert git(checkout.project_dir, "rev-parse", "HEAD") == revision.commit
    assert git(root, "rev-parse", "--show-toplevel") == str(root)
    assert git(root, "status", "--porcelain") == ""
    assert git(root, "log", "--format=%H") == revision.commit
    assert git(root, "remote", "get-url", "origin") == f"file://{origin}"
    git(root, "fsck")
    from git import Repo

    with Repo(checkout.project_dir, search_parent_directories=True) as repository:
        assert repository.head.commit.hexsha == revision.commit


def test_checkouts_of_one_commit_do_not_share_files(origin: Path) -> None:
    one, two = fetched(origin)[1], fetched(origin)[1]
    (one.root / "MLproject").write_text("changed")

    assert (two.root / "MLproject").read_text() == "name: x"


def test_released_checkouts_leave_nothing_but_the_mirror(
    origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    _, checkout = fetched(origin)
    (checkout.root / "closed").mkdir()
    (checkout.root / "closed" / "file").touch()
    (checkout.root / "closed").chmod(0o500)
    before = sorted(path for path in paths.git_mirrors().rglob("*"))

    checkout.release()
    checkout.release()

    assert list(paths.checkouts().iterdir()) == []
    assert sorted(path for path in paths.git_mirrors().rglob("*")) == before
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_failed_fetch_leaves_no_checkout(origin: Path) -> None:
    with pytest.raises(SourceError):
        fetched(f"{origin}#nowhere")

    assert list(paths.checkouts().iterdir()) == []


def test_a_sub_folder_that_links_out_of_the_repository_is_refused(work: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (work / "link").symlink_to(tmp_path / "outside")
    (work / "inner").symlink_to("sub.dir")
    commit(work, {})

    with pytest.raises(SourceError, match="leaves the source"):
        fetched(f"file://{work}#link")
    assert (fetched(f"file://{work}#inner")[1].project_dir / "train.py").exists()


def test_a_file_is_as_old_as_its_last_change(origin: Path) -> None:
    _, checkout = fetched(origin)

    assert checkout.last_changed(checkout.root / "requirements.txt") == LONG_AGO
    assert checkout.last_changed(checkout.root / "sub.dir" / "train.py") == LATER
    assert checkout.last_changed(Path("requirements.txt")) == LONG_AGO
    assert checkout.last_changed(checkout.root / "no such file") == LATER
    assert checkout.last_changed(Path("/etc/passwd")) is None


def test_the_age_of_a_file_is_asked_of_the_remote_once(origin: Path) -> None:
    _, checkout = fetched(origin)
    checkout.last_changed(checkout.root / "requirements.txt")
    source = sources.open(str(origin))
    moved_away(origin)

    checkout = source.fetch(source.pin(git(checkout.root, "rev-parse", "HEAD"), offline=False), isolated=False)

    assert checkout.last_changed(checkout.root / "requirements.txt") == LONG_AGO
    assert checkout.last_changed(checkout.root / "MLproject") == LONG_AGO


def test_without_history_a_file_is_as_old_as_the_commit(origin: Path) -> None:
    _, checkout = fetched(origin)
    moved_away(origin)

    assert checkout.last_changed(checkout.root / "requirements.txt") == LATER


def test_a_remote_that_cannot_filter_still_tells_the_age(origin: Path) -> None:
    git(origin, "config", "uploadpack.allowFilter", "false")
    _, checkout = fetched(origin)

    assert checkout.last_changed(checkout.root / "requirements.txt") == LONG_AGO


@pytest.mark.parametrize("damage", ["objects", "HEAD", "pack", "everything"])
def test_a_damaged_mirror_is_made_anew(origin: Path, damage: str) -> None:
    fetched(origin)[1].release()
    (mirror,) = (path for path in paths.git_mirrors().iterdir() if path.is_dir())
    if damage == "objects":
        shutil.rmtree(mirror / "objects")
    elif damage == "HEAD":
        (mirror / "HEAD").write_text("nonsense")
    elif damage == "pack":
        for pack in mirror.rglob("*.pack"):
            pack.chmod(0o600)
            os.truncate(pack, pack.stat().st_size // 2)
    else:
        shutil.rmtree(mirror)

    revision, checkout = fetched(origin)

    assert (checkout.root / "MLproject").read_text() == "name: x"
    assert git(checkout.root, "status", "--porcelain") == ""
    assert revision.branch == "main"


def test_a_mirror_that_lost_a_file_is_made_anew(origin: Path) -> None:
    fetched(origin)[1].release()
    (mirror,) = (path for path in paths.git_mirrors().iterdir() if path.is_dir())
    lost = git(mirror, "rev-parse", "HEAD:MLproject")
    for pack in list(mirror.rglob("*.pack")):
        content = pack.read_bytes()
        for file in pack.parent.iterdir():
            file.unlink()
        subprocess.run(["git", "-C", mirror, "unpack-objects", "-q"], input=content, check=True)
    (mirror / "objects" / lost[:2] / lost[2:]).unlink()
    with pytest.raises(SourceError, match="damaged"):
        fetched(origin, offline=True)

    assert (fetched(origin)[1].root / "MLproject").read_text() == "name: x"


def test_a_repository_that_is_itself_damaged_is_an_error(origin: Path) -> None:
    commit_name = git(origin, "rev-parse", "main")
    for stored in (origin / "objects").glob("??/*"):
        stored.chmod(0o600)
        os.truncate(stored, 0)

    for version in (None, commit_name):
        with pytest.raises(SourceError):
            pinned(origin, version)


@pytest.mark.parametrize("is_known", [False, True], ids=["first-fetch", "later-fetch"])
def test_a_repository_that_lost_a_file_is_told_from_a_host_out_of_reach(work: Path, is_known: bool) -> None:
    if is_known:
        fetched(f"file://{work}")[1].release()
    (work / "lost").write_text("lost")
    git(work, "add", "lost")
    git(work, "commit", "--quiet", "--message=lost")
    lost = git(work, "rev-parse", "HEAD:lost")
    (work / ".git" / "objects" / lost[:2] / lost[2:]).unlink()

    with pytest.raises(SourceError, match="the repository there lacks objects of its own") as caught:
        fetched(f"file://{work}")

    assert lost in str(caught.value) and "\0" not in str(caught.value)
    assert caught.value.hint is not None and "git fsck" in caught.value.hint


def test_a_damaged_mirror_cannot_be_mended_offline(origin: Path) -> None:
    fetched(origin)[1].release()
    (mirror,) = (path for path in paths.git_mirrors().iterdir() if path.is_dir())
    (mirror / "HEAD").write_text("nonsense")
    shutil.rmtree(mirror / "objects")

    with pytest.raises(SourceError):
        pinned(origin, "main", offline=True)


def test_what_a_killed_fetch_left_is_no_hindrance(origin: Path) -> None:
    pinned(origin)
    (mirror,) = (path for path in paths.git_mirrors().iterdir() if path.is_dir())
    shutil.rmtree(mirror)
    half = mirror.with_name(mirror.name + ".new")
    half.mkdir()
    (half / "HEAD").write_text("ref: refs/heads/half")

    assert pinned(origin).branch == "main"
    assert not half.exists()


def test_many_processes_may_fetch_the_same_new_repository(origin: Path) -> None:
    code = (
        "import sys; from mlproj import sources\nsource = sources.open(sys.argv[1]); revision = source.pin(sys.argv[2]"
        " or None, offline=False)\ncheckout = source.fetch(revision, isolated=False); print((checkout.root / 'sub.dir'"
        " / 'train.py').read_text())\ncheckout.last_changed(checkout.root / 'MLproject'); checkout.release()"
    )
    versions = ["", "", "v1.0", "feature/x", git(origin, "rev-parse", "main~1"), "main"]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(origin), version],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for version in versions
    ]
    said = [process.communicate() for process in running]

    assert [out.strip() for out, _ in said] == ["2", "2", "1", "3", "1", "2"], said
    assert list(paths.checkouts().iterdir()) == []


def test_hooks_and_templates_of_the_user_do_not_run(origin: Path, tmp_path: Path) -> None:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("post-checkout", "reference-transaction", "post-index-change"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/harm\n")
        (hooks / name).chmod(0o755)
    git(origin, "config", "--global", "core.hooksPath", str(hooks))

    fetched(origin)

    assert not (tmp_path / "harm").exists()


def test_a_transport_that_the_user_forbids_stays_forbidden(origin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "https")

    with pytest.raises(SourceError, match="transport that is not allowed"):
        pinned(origin)


def test_without_git_the_error_says_so(origin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(Exception, match="git is not installed"):
        pinned(origin)


def test_a_branch_that_moves_to_no_commit_is_an_error(origin: Path) -> None:
    blob = (
        subprocess.run(
            ["git", "-C", origin, "hash-object", "-w", "--stdin"], input=b"x", capture_output=True, check=True
        )
        .stdout.decode()
        .strip()
    )
    git(origin, "update-ref", "refs/tags/blob", blob)

    with pytest.raises(SourceError):
        pinned(origin, "blob")


def test_a_known_commit_of_a_repository_on_this_machine_that_is_gone_is_had_still(tmp_path: Path) -> None:
    made = commit(tmp_path / "work", {"MLproject": "name: x"})
    uri = f"file://{tmp_path}/work"
    source = sources.open(uri)
    source.fetch(source.pin(None, offline=False), isolated=False).release()
    (tmp_path / "work").rename(tmp_path / "elsewhere")

    for offline in (True, False):
        source = sources.open(uri)
        checkout = source.fetch(source.pin(made, offline=offline), isolated=False)
        assert (checkout.root / "MLproject").read_text() == "name: x"
    assert sources.open(uri).pin(None, offline=True).commit == made
    with pytest.raises(SourceError, match="no such repository"):
        sources.open(uri).pin(None, offline=False)
    with pytest.raises(SourceError, match="is not there"):
        sources.open(f"file://{tmp_path}/never")
