"""Projects in R with a renv.lock, run with real packages of a small repository."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from mlproj.environments.cache import inventory
from mlproj.environments.renv import program
from mlproj.foundation import paths
from tests import r_repository
from tests.environments.renv.conftest import project
from tests.program import mlproj
from tests.r_repository import Repository, lock, record

pytestmark = pytest.mark.needs("Rscript")

LOCALLY = ("leaf", "1.0-2"), ("top", "1.0")


def plain(repository: Repository, **parts: Any) -> str:
    return lock(repository.url, *(record(*one) for one in LOCALLY), **parts)


def run(folder: Path, *arguments: str) -> tuple[str, dict[str, Any], str]:
    done = mlproj("run", folder, "-e", "main.R", *arguments, "--json")
    assert done.code == 0, done.err
    made = done.document["run"]
    return (paths.run_dir(made["run_id"]) / "output.log").read_text(), made, done.err


def test_a_project_runs_with_the_locked_packages_and_says_what_it_had(tmp_path: Path, repository: Repository) -> None:
    main = "cat(top::x(), fill=TRUE)\ncat(readLines(system.file('where', package='top')), fill=TRUE)\n"
    folder = project(tmp_path / "p", plain(repository), main)
    (folder / ".Rprofile").write_text('source("renv/activate.R")\n')
    (folder / "renv").mkdir()
    (folder / "renv" / "activate.R").write_text(
        'if (Sys.getenv("RENV_CONFIG_AUTOLOADER_ENABLED") != "FALSE") stop("renv is loaded")\n'
    )
    out, made, _ = run(folder)
    said, where = out.splitlines()
    assert said == "top 1.0 with leaf 1.0-2"
    assert ".building" not in where and Path(where.strip()).samefile(
        paths.environments() / made["environment"]["key"] / "library"
    )

    environment, here = made["environment"], program.find()
    assert here is not None
    assert (environment["kind"], environment["manager"], environment["reused"]) == ("renv", "R", False)
    assert (environment["python"], environment["language"], environment["lock"]) == (
        None,
        f"R {here.version}",
        "renv.lock",
    )
    kept = json.loads((paths.run_dir(made["run_id"]) / "renv.lock").read_text())
    archived = repository.folder / "src" / "contrib" / "Archive" / "leaf" / "leaf_1.0-2.tar.gz"
    assert kept["mlproj"]["R"] == here.version and kept["Packages"]["leaf"]["Version"] == "1.0-2"
    assert kept["mlproj"]["sources"]["leaf"]["sha256"] == hashlib.sha256(archived.read_bytes()).hexdigest()

    assert run(folder)[1]["environment"]["reused"] is True
    (stored,) = inventory.installed()
    assert stored.kind == "renv" and stored.packages == {"leaf": "1.0-2", "top": "1.0"}
    assert f"R {here.version}" in mlproj("env", "list").out
    planned = mlproj("run", folder, "-e", "main.R", "--dry-run").out
    assert f"environment: R {here.version}; installed by R; the project folder has a renv.lock" in planned

    (folder / "renv.lock").write_text(lock(repository.url, record("leaf", "2.0"), record("top", "1.0")))
    out, other, _ = run(folder)
    assert out.startswith("top 1.0 with leaf 2.0\n")
    compared = mlproj("runs", "compare", made["run_id"], other["run_id"]).out
    assert "leaf" in compared and "1.0-2" in compared and "2.0" in compared


def test_the_lock_of_a_run_makes_the_same_again_or_says_that_it_cannot(tmp_path: Path) -> None:
    own = Repository(tmp_path / "cran")
    file, _ = own.add("leaf", "1.0")
    folder = project(tmp_path / "p", lock(own.url, record("leaf", "1.0")), "cat(leaf::x(), fill=TRUE)\n")
    _, made, _ = run(folder)
    (folder / "renv.lock").write_text((paths.run_dir(made["run_id"]) / "renv.lock").read_text())
    assert run(folder)[0] == "leaf 1.0\n"
    file.write_bytes(r_repository.source("leaf", "1.0", "x <- function() 'another'\n"))
    done = mlproj("run", folder, "-e", "main.R", "--rebuild")
    assert done.code == 73 and "and renv.lock says" in done.err


def test_a_package_of_github_is_installed_from_the_archive_of_its_commit(tmp_path: Path) -> None:
    from mlproj.environments.renv import source

    sha = "ab" * 20
    fields = {"Source": "GitHub", "RemoteUsername": "someone", "RemoteRepo": "leaf-r", "RemoteSha": sha}
    content = r_repository.source("leaf", "0.1", top=f"leaf-r-{sha}")
    kept = source.place_of(
        f"https://codeload.github.com/someone/leaf-r/tar.gz/{sha}", hashlib.sha256(content).hexdigest()
    )
    kept.parent.mkdir(parents=True)
    kept.write_bytes(content)  # as a run with network would have left it
    folder = project(
        tmp_path / "p", lock("https://cran.example.org", record("leaf", "0.1", **fields)), "cat(leaf::x(), fill=TRUE)\n"
    )
    assert run(folder, "--offline")[0] == "leaf 0.1\n"


def test_a_package_that_cannot_be_installed_says_why_and_the_run_has_failed(
    tmp_path: Path, repository: Repository
) -> None:
    folder = project(tmp_path / "p", lock(repository.url, record("broken", "1.0")))
    done = mlproj("run", folder, "-e", "main.R")
    assert done.code == 73
    assert "the R package broken 1.0 cannot be installed" in done.err and "this code is broken" in done.err
    (failed,) = mlproj("runs", "list", "--json").document["runs"]
    assert failed["status"] == "FAILED" and inventory.installed() == []


def test_a_package_that_the_lock_forgets_is_named(tmp_path: Path, repository: Repository) -> None:
    done = mlproj("run", project(tmp_path / "p", lock(repository.url, record("top", "1.0"))), "-e", "main.R")
    assert done.code == 73 and "leaf" in done.err and "renv::snapshot()" in done.err
    folder = project(tmp_path / "q", lock(repository.url, record("leaf", "2.0")), "library(nothere)\n")
    done = mlproj("run", folder, "-e", "main.R")
    assert done.code == 1 and "lacks the R package nothere" in done.err


def test_what_is_nowhere_is_told_also_without_network(tmp_path: Path, repository: Repository) -> None:
    folder = project(tmp_path / "p", lock(repository.url, record("leaf", "9.9")))
    done = mlproj("run", folder, "-e", "main.R")
    assert done.code == 73 and "leaf 9.9 is not there" in done.err
    (folder / "renv.lock").write_text(lock("https://cran.example.org", record("leaf", "9.9")))
    done = mlproj("run", folder, "-e", "main.R", "--offline")
    assert done.code == 73 and "leaf 9.9 is not in the cache, and --offline" in done.err


def test_another_r_than_the_locks_is_told(tmp_path: Path, repository: Repository) -> None:
    here = program.find()
    assert here is not None
    major, minor, patch = here.version.split(".")
    folder = project(
        tmp_path / "p", plain(repository, version=f"{major}.{minor}.{int(patch) + 1}", Python={"Version": "3.11"})
    )
    done = mlproj("run", folder, "-e", "main.R", "--dry-run")
    assert f"renv.lock was made with R {major}.{minor}.{int(patch) + 1}, and R {here.version} is here" in done.out
    assert "names a Python, too" in done.out and "warning" not in done.err
    (folder / "renv.lock").write_text(plain(repository, version=f"{major}.{int(minor) + 1}.0"))
    assert "packages may not fit it" in mlproj("run", folder, "-e", "main.R", "--dry-run").err


def test_a_lock_without_packages_is_an_empty_library(tmp_path: Path) -> None:
    assert run(project(tmp_path / "p", lock("https://cran.example.org"), "cat('done', fill=TRUE)\n"))[0] == "done\n"


@pytest.mark.needs("bwrap")
def test_a_program_in_a_sandbox_finds_its_library(tmp_path: Path, repository: Repository) -> None:
    folder = project(tmp_path / "p", lock(repository.url, record("leaf", "2.0")), "cat(leaf::x(), fill=TRUE)\n")
    assert run(folder, "--sandbox")[0] == "leaf 2.0\n"


def test_without_r_a_container_is_offered(tmp_path: Path, repository: Repository) -> None:
    folder = project(tmp_path / "p", plain(repository))
    path = f"{Path(sys.executable).parent}:/nothing"
    done = mlproj("run", folder, "-e", "main.R", env={"PATH": path})
    assert (
        done.code == 73
        and "renv.lock asks for R 4.2.1, and Rscript is not on PATH" in done.err
        and "--in-container" in done.err
    )


def test_a_wrong_lock_is_told_with_its_place(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", lock("https://cran.example.org", record("leaf", "../../x")))
    done = mlproj("run", folder, "-e", "main.R")
    assert done.code == 65 and "renv.lock:12:" in done.err and "'../../x'" in done.err


def test_another_manager_does_not_install_packages_of_r(tmp_path: Path, repository: Repository) -> None:
    folder = project(tmp_path / "p", plain(repository), "cat('the current one', fill=TRUE)\n")
    for manager in ("uv", "conda"):
        done = mlproj("run", folder, "-e", "main.R", "--env-manager", manager)
        assert done.code == 73 and f"--env-manager {manager} does not install" in done.err
    assert run(folder, "--env-manager", "local")[0] == "the current one\n"


def test_a_run_is_reproduced_from_its_lock(tmp_path: Path, repository: Repository) -> None:
    folder = project(tmp_path / "p", plain(repository), "cat(top::x(), fill=TRUE, file='out')\n")
    made = run(folder)[1]
    (folder / "renv.lock").write_text(lock(repository.url, record("leaf", "2.0"), record("top", "1.0")))

    done = mlproj("reproduce", made["run_id"], "--json")

    assert done.code == 0, done.err + done.out
    (verdict,) = done.document["reproduction"]["runs"]
    assert [(one["path"], one["state"]) for one in verdict["files"]] == [("out", "same")]
    kept = [(paths.run_dir(run_id) / "renv.lock").read_bytes() for run_id in (made["run_id"], verdict["run_id"])]
    assert kept[0] == kept[1]
