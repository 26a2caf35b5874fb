from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from mlproj import sources
from mlproj.foundation import paths
from mlproj.foundation.errors import SourceError, UsageError
from mlproj.running.plan import source_document
from mlproj.sources import patch
from mlproj.sources.base import Checkout, Revision
from mlproj.sources.replayed import Kept, ReplayedSource
from tests.sources.repository import LATER, LONG_AGO, commit, git


def fetched(
    uri: Path | str, version: str | None = None, *, isolated: bool = False, offline: bool = False
) -> tuple[Revision, Checkout]:
    source = sources.open(str(uri))
    revision = source.pin(version, offline=offline)
    return revision, source.fetch(revision, isolated=isolated)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A work tree with one commit of long ago."""
    folder = tmp_path / "work"
    commit(folder, {"MLproject": "name: x", "sub/train.py": "1", "requirements.txt": "six"}, LONG_AGO)
    return folder


def test_a_folder_runs_in_place(tmp_path: Path) -> None:
    revision, checkout = fetched(tmp_path)

    assert (checkout.root, checkout.project_dir, checkout.in_place) == (tmp_path, tmp_path, True)
    assert (revision.kind, revision.uri, revision.commit, revision.dirty) == ("folder", str(tmp_path), None, None)
    assert checkout.last_changed(tmp_path / "x") is None
    checkout.release()
    assert tmp_path.is_dir()
    assert not paths.cache().exists()


def test_a_plain_folder_needs_no_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    assert fetched(tmp_path)[0].notes == ()


def test_without_git_a_work_tree_still_runs_and_says_what_is_not_recorded(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")

    revision, checkout = fetched(work)

    assert revision.commit is None
    assert "git is not installed" in revision.notes[0]
    assert checkout.project_dir == work


def test_a_clean_work_tree_is_known_by_its_commit(work: Path) -> None:
    revision, checkout = fetched(work)

    assert revision.commit == git(work, "rev-parse", "HEAD")
    assert (revision.branch, revision.commit_date, revision.dirty, revision.diff) == ("main", LONG_AGO, False, None)
    assert checkout.root == work


def test_the_root_is_the_top_of_the_work_tree_wherever_the_project_lies(work: Path) -> None:
    for uri in (f"{work}/sub", f"{work}#sub"):
        revision, checkout = fetched(uri)

        assert (checkout.root, checkout.project_dir, revision.subdirectory) == (work, work / "sub", "sub")


def test_a_work_tree_reached_by_a_link_is_found(work: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(work / "sub")

    revision, checkout = fetched(tmp_path / "link")

    assert revision.commit == git(work, "rev-parse", "HEAD")
    assert checkout.project_dir == tmp_path / "link"
    checkout = fetched(tmp_path / "link", isolated=True)[1]
    assert (checkout.project_dir / "train.py").read_text() == "1"
    checkout.release()


def test_the_difference_of_a_dirty_work_tree_can_be_applied(work: Path, tmp_path: Path) -> None:
    commit(work, {"binary": bytes(range(256)), "gone": "x\n", "moved": "a\nb\nc\n"})
    index = (work / ".git" / "index").read_bytes()
    (work / "sub" / "train.py").write_text("2")
    (work / "binary").write_bytes(bytes(range(255, -1, -1)))
    (work / "gone").unlink()
    (work / "moved").rename(work / "moved away")
    (work / "new\tfile ü").write_text("new")
    (work / "script").write_text("#!/bin/sh\n")
    (work / "script").chmod(0o755)
    (work / "link").symlink_to("script")
    (work / "raw").write_bytes(b"\0\1\2")

    revision, _ = fetched(work / "sub")

    assert revision.dirty
    assert revision.diff_note is None
    assert revision.diff is not None
    assert (work / ".git" / "index").read_bytes() == index
    assert revision.commit is not None
    again = tmp_path / "again"
    git(tmp_path, "clone", "--quiet", str(work), str(again))
    subprocess.run(["git", "apply", "-"], cwd=again, input=revision.diff, check=True)
    assert not subprocess.run(
        ["diff", "-r", "--no-dereference", "--exclude=.git", work, again], capture_output=True, check=False
    ).stdout
    assert os.access(again / "script", os.X_OK)


def test_what_is_staged_is_part_of_the_difference(work: Path) -> None:
    (work / "staged").write_text("s")
    git(work, "add", "staged")

    diff = fetched(work)[0].diff

    assert diff is not None
    assert b"+++ b/staged" in diff


def test_ignored_files_do_not_make_a_work_tree_dirty(work: Path) -> None:
    commit(work, {".gitignore": "mlruns/\n"})
    (work / "mlruns").mkdir()
    (work / "mlruns" / "x").touch()

    assert fetched(work)[0].dirty is False


def test_a_folder_that_the_repository_ignores_is_not_part_of_it(work: Path) -> None:
    commit(work, {".gitignore": "build/\n"})
    (work / "build" / "project").mkdir(parents=True)

    revision, checkout = fetched(work / "build" / "project")

    assert revision.commit is None
    assert "ignores this folder" in revision.notes[0]
    assert checkout.root == work / "build" / "project"


def test_the_users_own_diff_settings_do_not_change_the_patch(work: Path) -> None:
    (work / "sub" / "train.py").write_text("2")
    plain = fetched(work)[0].diff
    for setting in (
        "diff.noprefix=true",
        "color.ui=always",
        "diff.external=false",
        "diff.mnemonicPrefix=true",
        "status.short=true",
    ):
        name, _, value = setting.partition("=")
        git(work, "config", "--global", name, value)

    assert fetched(work)[0].diff == plain


def test_a_difference_too_large_leaves_out_whole_files_and_says_so(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patch, "LIMIT", 2_000)
    (work / "sub" / "train.py").write_text("2")
    (work / "data.bin").write_bytes(os.urandom(5_000))
    (work / "nearly.txt").write_text("\n" * 1_700)

    revision, _ = fetched(work)

    assert revision.diff is not None
    assert b"train.py" in revision.diff
    assert b"data.bin" not in revision.diff
    assert b"nearly.txt" not in revision.diff
    assert revision.diff_note is not None
    assert "data.bin, nearly.txt" in revision.diff_note
    assert revision.dirty


def test_a_repository_inside_the_work_tree_is_named_not_swallowed(work: Path) -> None:
    commit(work / "nested", {"a": "1"})

    revision, _ = fetched(work)

    assert revision.dirty
    assert revision.diff_note is not None
    assert "nested/" in revision.diff_note


def test_a_repository_without_commits_runs(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    (tmp_path / "train.py").touch()

    revision, checkout = fetched(tmp_path)

    assert (revision.commit, revision.branch, revision.dirty) == (None, "main", True)
    assert revision.notes == ("the Git repository has no commit yet",)
    assert checkout.last_changed(tmp_path / "train.py") is None


def test_a_detached_head_has_a_commit_and_no_branch(work: Path) -> None:
    git(work, "checkout", "--quiet", "--detach")

    revision, _ = fetched(work)

    assert revision.branch is None
    assert revision.commit


def test_a_linked_work_tree_is_a_work_tree(work: Path, tmp_path: Path) -> None:
    git(work, "worktree", "add", "--quiet", "-b", "other", str(tmp_path / "linked"))
    (tmp_path / "linked" / "new").touch()

    revision, _ = fetched(tmp_path / "linked")

    assert (revision.branch, revision.dirty) == ("other", True)
    assert revision.diff is not None


def test_without_git_a_repository_with_filters_still_opens(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(work, "config", "filter.x.clean", "cat")
    monkeypatch.setenv("PATH", "")

    assert "git is not installed" in fetched(work)[0].notes[0]


def test_a_broken_git_folder_is_a_note(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()

    revision, _ = fetched(tmp_path)

    assert "code version not recorded" in revision.notes[0]


def test_a_folder_knows_when_a_file_changed_last(work: Path) -> None:
    commit(work, {"sub/train.py": "2"}, LATER)
    _, checkout = fetched(work)
    _, copy = fetched(work, isolated=True)

    assert checkout.last_changed(work / "requirements.txt") == LONG_AGO
    assert checkout.last_changed(work / "sub" / "train.py") == LATER
    assert copy.last_changed(copy.root / "requirements.txt") == LONG_AGO
    assert checkout.last_changed(work.parent / "elsewhere") is None
    assert copy.last_changed(work.parent / "elsewhere") is None
    (work / "requirements.txt").write_text("changed")
    assert checkout.last_changed(work / "requirements.txt") is None
    copy.release()


def test_the_callers_git_variables_do_not_lead_astray(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(tmp_path / "other", {"a": "1"})
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path / "other"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))

    revision, _ = fetched(work)

    monkeypatch.undo()
    assert revision.commit == git(work, "rev-parse", "HEAD")


@pytest.mark.parametrize(
    "setting",
    [
        "core.fsmonitor",
        "diff.external",
        "filter.evil.clean",
        "filter.evil.process",
        "core.hooksPath",
        "diff.evil.textconv",
    ],
)
def test_looking_at_a_folder_runs_nothing_that_its_configuration_names(
    work: Path, tmp_path: Path, setting: str
) -> None:
    commit(work, {".gitattributes": "* filter=evil diff=evil\n"})
    script = tmp_path / "evil.sh"
    script.write_text(f"#!/bin/sh\ntouch {tmp_path}/harm\ncat\n")
    script.chmod(0o755)
    git(work, "config", setting, str(script))
    git(work, "config", "filter.evil.required", "true")
    (work / "sub" / "train.py").write_text("9")
    (work / "new").write_text("9")

    revision, checkout = fetched(work)
    checkout.last_changed(work / "sub" / "train.py")

    assert revision.dirty
    assert revision.diff is not None
    assert not (tmp_path / "harm").exists()


def test_a_git_file_or_an_include_cannot_smuggle_a_filter_in(work: Path, tmp_path: Path) -> None:
    commit(work, {".gitattributes": "* filter=evil\n"})
    script = tmp_path / "evil.sh"
    script.write_text(f"#!/bin/sh\ntouch {tmp_path}/harm\ncat\n")
    script.chmod(0o755)
    (tmp_path / "hidden").write_text(f'[filter "evil"]\n\tclean = {script}\n')
    git(work, "config", "include.path", str(tmp_path / "hidden"))
    (work / "sub" / "train.py").write_text("9")

    assert fetched(work)[0].dirty
    (work / ".git").rename(work / "elsewhere")
    (work / ".git").write_text("gitdir: elsewhere\n")
    assert fetched(work)[0].dirty
    assert not (tmp_path / "harm").exists()


def test_a_submodule_runs_nothing_and_counts_when_it_is_at_another_commit(work: Path, tmp_path: Path) -> None:
    commit(work / "module", {"a": "1"})
    git(work, "add", "module")
    git(work, "commit", "--quiet", "--message=module")
    script = tmp_path / "evil.sh"
    script.write_text(f"#!/bin/sh\ntouch {tmp_path}/harm\n")
    script.chmod(0o755)
    git(work / "module", "config", "core.fsmonitor", str(script))
    (work / "module" / "a").write_text("2")

    assert fetched(work)[0].dirty is False
    assert not (tmp_path / "harm").exists()
    git(work / "module", "config", "core.fsmonitor", "false")
    commit(work / "module", {})
    revision, _ = fetched(work)
    assert revision.diff is not None
    assert b"Subproject commit" in revision.diff


def test_a_repository_of_somebody_else_is_a_note_in_place_and_an_error_as_git_source(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(work, "config", "filter.x.clean", "cat")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # git's own tests' way to be somebody else

    revision, checkout = fetched(work)

    assert checkout.in_place
    assert "safe.directory" in revision.notes[0]
    with pytest.raises(SourceError, match="does not trust") as caught:
        fetched(f"file://{work}")
    assert caught.value.hint is not None
    assert f"safe.directory {work}" in caught.value.hint


def test_an_isolated_folder_is_copied_and_the_copy_removed(work: Path) -> None:
    (work / "untracked").write_text("u")
    (work / "link").symlink_to("untracked")
    (work / "__pycache__").mkdir()
    os.mkfifo(work / "pipe")

    revision, checkout = fetched(f"{work}#sub", isolated=True)

    assert not checkout.in_place
    assert checkout.project_dir == checkout.root / "sub"
    assert checkout.root.parent == paths.checkouts()
    assert (checkout.root / "untracked").read_text() == "u"
    assert (checkout.root / "link").readlink() == Path("untracked")
    assert not (checkout.root / "__pycache__").exists()
    assert git(checkout.root, "rev-parse", "HEAD") == revision.commit
    checkout.release()
    assert list(paths.checkouts().iterdir()) == []
    assert (work / "sub").is_dir()


def test_a_version_of_a_work_tree_is_checked_out_elsewhere(work: Path) -> None:
    first = git(work, "rev-parse", "HEAD")
    git(work, "tag", "v1")
    commit(work, {"sub/train.py": "2"})
    (work / "sub" / "train.py").write_text("dirty")

    for uri in (f"{work}#sub", f"{work}/sub"):
        revision, checkout = fetched(uri, "v1")

        assert (revision.kind, revision.commit, revision.tag, revision.dirty) == ("git", first, "v1", False)
        assert (checkout.project_dir / "train.py").read_text() == "1"
        assert checkout.project_dir == checkout.root / "sub"
        checkout.release()
    assert (work / "sub" / "train.py").read_text() == "dirty"


def test_a_version_of_a_folder_without_repository_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no Git repository"):
        fetched(tmp_path, "v1")


def test_a_missing_sub_folder_names_those_with_a_project(work: Path) -> None:
    commit(work, {"models/one/MLproject": "", "models/two/mlproject.yaml": ""})

    with pytest.raises(SourceError, match="'model/one' is not in the source") as caught:
        fetched(f"{work}#model/one")

    assert caught.value.hint == "folders with an MLproject file: ., models/one, models/two"
    with pytest.raises(SourceError, match="is a file"):
        fetched(f"{work}#MLproject")


def test_a_sub_folder_that_is_a_link_out_of_the_folder_is_refused(work: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (work / "out").symlink_to(tmp_path / "outside")
    (work / "in").symlink_to("sub")
    (work / "circle").symlink_to("circle")

    with pytest.raises(SourceError, match="leaves the source"):
        fetched(f"{work}#out")
    with pytest.raises(SourceError, match="is not in the source"):
        fetched(f"{work}#circle")
    assert fetched(f"{work}#in")[1].project_dir == work / "in"


def test_environments_and_folders_of_many_untracked_files_are_named_and_left_out_at_once(tmp_path: Path) -> None:
    commit(tmp_path / "work", {"MLproject": "name: x", ".gitignore": "ignored/\n"})
    for folder, count in (("env", 3), ("data/raw", 1100), ("own", 2), ("own/ignored", 1100)):
        (tmp_path / "work" / folder).mkdir(parents=True)
        for number in range(count):
            (tmp_path / "work" / folder / f"{number}.txt").write_text("x\n")
    (tmp_path / "work" / "env" / "pyvenv.cfg").write_text("home = /usr\n")
    (tmp_path / "work" / "own.txt").write_text("x\n")

    revision = sources.open(str(tmp_path / "work")).pin(None, offline=False)

    assert revision.diff is not None
    assert sorted(patch.by_file(revision.diff)) == ["own.txt", "own/0.txt", "own/1.txt"]
    assert revision.diff_note is not None
    assert revision.diff_note.startswith("the diff leaves out data/, env/: ")
    assert ".gitignore" in revision.diff_note
    assert revision.notes == (revision.diff_note,)  # which is said before the command


def test_a_copy_leaves_environments_out_whatever_they_are_called(tmp_path: Path) -> None:
    (tmp_path / "p" / "my-env" / "lib").mkdir(parents=True)
    (tmp_path / "p" / "my-env" / "pyvenv.cfg").write_text("home = /usr\n")
    (tmp_path / "p" / "kept.txt").write_text("")

    source = sources.open(str(tmp_path / "p"))
    checkout = source.fetch(source.pin(None, offline=False), isolated=True)

    assert [file.name for file in checkout.root.iterdir()] == ["kept.txt"]


def test_a_submodule_that_is_not_initialised_is_said_and_a_replay_does_not_pretend(tmp_path: Path) -> None:
    inner = commit(tmp_path / "inner", {"a.txt": "a"})
    work = tmp_path / "work"
    commit(
        work,
        {
            "MLproject": "name: x",
            ".gitmodules": f'[submodule "data"]\n\tpath = data\n\turl = file://{tmp_path}/inner\n',
        },
    )
    git(work, "update-index", "--add", "--cacheinfo", f"160000,{inner},data")
    git(work, "commit", "--quiet", "--message=with a submodule")
    (work / "data").mkdir()

    revision = sources.open(str(work)).pin(None, offline=False)

    assert revision.notes == (
        "the submodule data is not initialised, so its files are not here: git submodule update --init",
    )
    kept = Kept("the run", source_document(revision))
    with pytest.raises(SourceError, match="the submodule data is not initialised"):
        ReplayedSource(kept).pin(None, offline=False)
