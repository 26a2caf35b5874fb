"""What a renv.lock may say, and what is said about one that says something else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlproj.environments.renv import lockfile
from mlproj.foundation.errors import EnvironmentFailure, InvalidProject
from tests.r_repository import lock, record

CRAN = "https://cran.example.org"
SHA = "0123456789abcdef0123456789abcdef01234567"
GITHUB = {
    "Source": "GitHub",
    "RemoteType": "github",
    "RemoteUsername": "some-one",
    "RemoteRepo": "a.package",
    "RemoteSha": SHA,
}


def load(folder: Path, text: str) -> lockfile.Lockfile:
    (folder / "renv.lock").write_text(text)
    return lockfile.load(folder / "renv.lock")


def refused(folder: Path, text: str) -> InvalidProject:
    with pytest.raises(InvalidProject) as error:
        load(folder, text)
    assert error.value.place is not None and error.value.place.file.endswith("renv.lock")
    return error.value


def test_each_package_is_looked_for_in_its_repository_and_that_ones_archive_then_in_the_others(tmp_path: Path) -> None:
    text = json.loads(lock(CRAN + "/", record("mime", "0.7"), record("own", "1.0-2", Repository="Team")))
    text["R"]["Repositories"].append({"Name": "Team", "URL": "http://team.example.org/r"})
    found = load(tmp_path, json.dumps(text))

    assert found.r_version == "4.2.1"
    mime, own = found.records
    assert mime.addresses[:2] == (
        f"{CRAN}/src/contrib/mime_0.7.tar.gz",
        f"{CRAN}/src/contrib/Archive/mime/mime_0.7.tar.gz",
    )
    assert mime.addresses[2] == "http://team.example.org/r/src/contrib/mime_0.7.tar.gz"
    assert own.addresses[0] == "http://team.example.org/r/src/contrib/own_1.0-2.tar.gz" and len(own.addresses) == 4


def test_both_generations_of_the_format_are_read(tmp_path: Path) -> None:
    old = record("mime", "0.7", Source="CRAN", Hash="908d95cc", Requirements=["tools"])
    new = record(
        "knitr",
        "1.50",
        Type="Package",
        Imports=["evaluate (>= 0.15)", "tools"],
        RemoteType="standard",
        RemoteRepos=CRAN,
    )
    assert [one.name for one in load(tmp_path, lock(CRAN, old, new, renv={"Version": "1.1.0"})).records] == [
        "knitr",
        "mime",
    ]
    assert (
        load(tmp_path, lock(CRAN, record("own", "1.0", Repository="https://one.example.org")))
        .records[0]
        .addresses[0]
        .startswith("https://one.example.org/src/")
    )


def test_parts_of_r_are_not_installed(tmp_path: Path) -> None:
    assert load(tmp_path, lock(CRAN, record("stats", "4.2.1"), record("extra", "4.2.1", Source="R"))).records == ()


def test_a_package_on_github_is_that_of_its_commit(tmp_path: Path) -> None:
    (found,) = load(tmp_path, lock(CRAN, record("a.package", "0.1", **GITHUB, RemoteHost="api.github.com"))).records
    assert found.addresses == (f"https://codeload.github.com/some-one/a.package/tar.gz/{SHA}",)


def test_bioconductor_is_where_the_lock_says(tmp_path: Path) -> None:
    text = json.loads(lock(CRAN, record("limma", "3.58.1", Source="Bioconductor")))
    with pytest.raises(EnvironmentFailure, match="limma is from Bioconductor"):
        load(tmp_path, json.dumps(text))
    text["R"]["Repositories"].append({"Name": "BioCsoft", "URL": "https://bioc.example.org/bioc"})
    (found,) = load(tmp_path, json.dumps(text)).records
    assert (
        found.addresses[0] == "https://bioc.example.org/bioc/src/contrib/limma_3.58.1.tar.gz"
        and len(found.addresses) == 2
    )


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"Source": "Local"}, "source is 'Local'"),
        ({"Source": "Git", "RemoteType": "git2r"}, "source is 'Git'"),
        ({"Source": "unknown"}, "source is 'unknown'"),
        ({"Source": ""}, "has no source"),
        ({**GITHUB, "RemoteSubdir": "r-package"}, "in a folder of its repository"),
        ({**GITHUB, "RemoteHost": "git.example.org"}, "from 'git.example.org'"),
    ],
)
def test_what_cannot_be_installed_is_told_with_a_way_out(tmp_path: Path, fields: dict[str, Any], why: str) -> None:
    with pytest.raises(EnvironmentFailure, match=f"package own of renv.lock cannot be installed.*{why}") as error:
        load(tmp_path, lock(CRAN, record("own", "1.0", **fields)))
    assert "renv::restore()" in str(error.value.hint)


@pytest.mark.parametrize(
    ("name", "fields", "what"),
    [
        ("../own", {}, "no name of a package"),
        ("own;id", {}, "no name of a package"),
        ("-own", {}, "no name of a package"),
        ("o" * 101, {}, "no name of a package"),
        ("own", {"Version": "../1.0"}, "the version of own"),
        ("own", {"Version": "1..0"}, "the version of own"),
        ("own", {"Version": "1.0\n"}, "the version of own"),
        ("own", {"Version": "1." + "0" * 99}, "the version of own"),
        ("own", {"Version": 1.0}, "Version of own is 1.0"),
        ("own", {"Version": ["1.0"]}, "Version of own is"),
        ("own", {"Source": None}, "Source of own is None"),
        ("own", {**GITHUB, "RemoteUsername": "../x"}, "not said where"),
        ("own", {**GITHUB, "RemoteRepo": "a/b"}, "not said where"),
        ("own", {**GITHUB, "RemoteSha": "main"}, "not said where"),
        ("own", {**GITHUB, "RemoteSha": {}}, "RemoteSha of own"),
    ],
)
def test_hostile_records_are_refused(tmp_path: Path, name: str, fields: dict[str, Any], what: str) -> None:
    assert what in refused(tmp_path, lock(CRAN, {**record(name, "1.0"), **fields})).message


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host/x",
        "ext::sh -c id",
        "javascript:0",
        "file:relative",
        "file://host/x",
        "https://",
        "https://h o/",
        "https://h/?x",
        "https://h:p/",
    ],
)
def test_repositories_elsewhere_than_on_the_web_or_this_disk_are_refused(tmp_path: Path, url: str) -> None:
    assert "the address of the repository 'CRAN'" in refused(tmp_path, lock(url, record("own", "1.0"))).message


@pytest.mark.parametrize(
    ("text", "what", "line"),
    [
        ('{\n "R": {,\n}', "no JSON", 2),
        ("[]", "no mapping", None),
        ("[" * 100_000, "no JSON", None),
        ('{"Packages": {}}', "'R' is no mapping", None),
        ('{\n"R": {"Version": "4.2.1", "Repositories": []},\n"Packages": []}', "'Packages' is no mapping", 3),
        ('{"R": {\n"Version": "four"}}', "R's version is 'four'", 2),
        ('{"R": {\n"Version": "4.2.1/../x"}}', "R's version", 2),
        ('{"R": {}}', "R's version is missing", 1),
        ('{"R": {"Version": "4.2.1",\n"Repositories": ["https://x"]}}', "R's repositories", 2),
        (
            (
                '{"R": {"Version": "4.2.1",\n"Repositories": []}, "Packages": {"own": {"Version": "1.0", "Source":'
                ' "CRAN"}}}'
            ),
            "none is named",
            2,
        ),
        (
            '{"R": {"Version": "4.2.1", "Repositories": []},\n"Packages": {"own": "1.0"}}',
            "record of own is no mapping",
            2,
        ),
        (lock(CRAN, record("own", "1.0")).replace('"own": {', '"other": {'), "record of other is that of 'own'", 12),
        ('{"R": {"Version": "4.2.1", "Repositories": []},\n"R": {}}', "'R' is there twice", 1),
    ],
)
def test_a_broken_lock_is_told_with_its_place(tmp_path: Path, text: str, what: str, line: int | None) -> None:
    error = refused(tmp_path, text)
    assert what in error.message and error.place is not None and error.place.line == line


def test_the_lock_that_a_run_keeps_is_a_lock_again_and_has_no_secrets(tmp_path: Path) -> None:
    first = load(tmp_path, lock("https://me:s3cr3t@cran.example.org", record("mime", "0.7", Hash="908d95cc")))
    text = lockfile.recorded(first, "4.2.2", {"mime": {"url": "https://…", "sha256": "ab" * 32}})
    assert "s3cr3t" not in text and json.loads(text)["Packages"] == first.document["Packages"]
    again = load(tmp_path, text)
    assert again.records[0].sha256 == "ab" * 32 and first.records[0].sha256 is None
    assert "sha256 of 'mime'" in refused(tmp_path, text.replace("ab" * 32, "ab")).message
