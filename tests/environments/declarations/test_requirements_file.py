from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement

from mlproj.environments.declarations import requirements_file, text_file
from mlproj.environments.declarations.draft import Draft
from mlproj.environments.declarations.requirements import Requirements
from mlproj.foundation.errors import InvalidProject, MlprojError


def read(folder: Path, text: str | bytes, name: str = "requirements.txt") -> Requirements:
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    draft = Draft()
    requirements_file.read_into(draft, folder / name)
    return draft.finish()


def test_comments_continued_lines_and_blanks_are_read_as_pip_does(tmp_path: Path) -> None:
    text = (
        "# packages\nnumpy>=1 , <2  # the usual\n\nscipy \\\n  ==1.5.4\npandas # last \\\n and more\n# a comment ends"
        " no line \\\nseaborn\n"
    )

    assert read(tmp_path, text).packages == ("numpy<2,>=1", "scipy==1.5.4", "pandas", "seaborn")


def test_a_hash_sign_inside_a_url_begins_no_comment(tmp_path: Path) -> None:
    found = read(tmp_path, "git+https://github.com/a/b.git@v1#egg=b&subdirectory=python")

    assert found.packages == ("b @ git+https://github.com/a/b.git@v1#subdirectory=python",)


def test_variables_in_braces_are_expanded_and_unset_ones_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INDEX_HOST", "packages.example.org")

    found = read(tmp_path, "--index-url https://${INDEX_HOST}/simple\n--find-links https://${UNSET_ONE}/x\nnumpy")

    assert found.options == (
        "--index-url",
        "https://packages.example.org/simple",
        "--find-links",
        "https://${UNSET_ONE}/x",
    )


def test_nested_files_and_constraints_are_relative_to_the_file_that_names_them(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "base.txt").write_text("-c limits.txt\nnumpy\n")
    (tmp_path / "deep" / "limits.txt").write_text("numpy<2\n")

    found = read(tmp_path, "-r deep/base.txt\n--requirement=deep/base.txt\npandas")

    assert found.packages == ("numpy", "pandas")
    assert found.constraints == ("numpy<2",)
    assert [file.name for file in found.files] == ["requirements.txt", "base.txt", "limits.txt"]


def test_files_that_include_each_other_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "other.txt").write_text("-r requirements.txt")

    with pytest.raises(InvalidProject, match=r"in a circle: requirements.txt → other.txt → requirements.txt"):
        read(tmp_path, "-r other.txt")


def test_a_missing_included_file_is_an_error_at_its_line_with_a_suggestion(tmp_path: Path) -> None:
    (tmp_path / "base.txt").write_text("")

    with pytest.raises(InvalidProject) as caught:
        read(tmp_path, "numpy\n-r bse.txt")

    assert caught.value.place is not None
    assert caught.value.place.line == 2
    assert caught.value.hint == "did you mean base.txt?"


def test_a_file_included_by_url_is_refused_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(InvalidProject, match="included by its URL") as caught:
        read(tmp_path, "-r https://user:hunter22@example.org/r.txt")

    assert "hunter22" not in f"{caught.value} {caught.value.place and caught.value.place.text}"


def test_installer_options_are_kept_word_by_word(tmp_path: Path) -> None:
    text = (
        "-i https://a.example/simple\n--extra-index-url=https://b.example/simple --trusted-host b.example\n"
        "-f wheels\n--pre\n--no-binary :all:\nx==1 --hash=sha256:ab --hash sha256:cd\n"
    )

    found = read(tmp_path, text)

    assert found.packages == ("x==1 --hash=sha256:ab --hash=sha256:cd",)
    assert found.options == (
        *(
            "--index-url",
            "https://a.example/simple",
            "--extra-index-url",
            "https://b.example/simple",
            "--trusted-host",
            "b.example",
        ),
        *("--find-links", str(tmp_path / "wheels"), "--pre", "--no-binary", ":all:"),
    )
    assert found.all_pinned


def test_an_option_after_a_requirement_belongs_to_the_file(tmp_path: Path) -> None:
    found = read(tmp_path, "torch==1.7.0+cpu -f https://download.pytorch.org/whl/torch_stable.html")

    assert found.packages == ("torch==1.7.0+cpu",)
    assert found.options == ("--find-links", "https://download.pytorch.org/whl/torch_stable.html")


def test_local_folders_and_editables_become_absolute(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()

    found = read(tmp_path, "./mine[plots]\n-e .\n-e .[dev]\n-e git+git@github.com:a/b.git#egg=b\n")

    assert found.packages == (f"{(tmp_path / 'mine').as_uri()}[plots]", f"{tmp_path.as_uri()}[dev]")
    assert found.editables == (str(tmp_path), str(tmp_path), "git+ssh://git@github.com/a/b.git#egg=b")


def test_a_local_folder_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidProject, match=r"nothing is at '\./mine'"):
        read(tmp_path, "./mine")


def test_a_pip_freeze_of_powershell_is_read(tmp_path: Path) -> None:
    found = read(tmp_path, "\ufeffnumpy==1.20.1\r\npandas==1.2.4\r\n".encode("utf-16-le"))

    assert found.packages == ("numpy==1.20.1", "pandas==1.2.4")


def test_paths_of_the_machine_that_built_a_conda_package_give_way_to_the_index(tmp_path: Path) -> None:
    text = "certifi @ file:///somewhere/else/certifi_123/work/certifi\nnumpy @ file:///C:/ci/numpy-1.20.1-cp38-cp38-win_amd64.whl\n"

    found = read(tmp_path, text)

    assert found.packages == ("certifi", "numpy==1.20.1")
    assert found.notes == ("skipped 2 paths of another machine, the packages come from the index: certifi, numpy",)


@pytest.mark.skipif(sys.platform == "win32", reason="about every other platform")
def test_packages_for_another_platform_are_skipped_and_told(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "pywin32==300\npywinpty\nwincertstore==0.2\ntensorflow-intel==2.12\npywin32==1; sys_platform == 'win32'\nsix\n",
    )

    assert found.packages == ('pywin32==1; sys_platform == "win32"', "six")
    assert found.notes == ("skipped 4 packages for Windows only: pywin32, pywinpty, wincertstore, tensorflow-intel",)


def test_entries_that_never_were_packages_are_understood(tmp_path: Path) -> None:
    found = read(tmp_path, "pkg-resources==0.0.0\npython==3.8.*\nsklearn==0.0\n")

    assert found.packages == ("scikit-learn",)
    assert found.python == "3.8"
    assert any("pkg-resources" in note for note in found.notes)


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("numpy=1.20", "one '=' is conda's spelling", "write numpy==1.20"),
        ("mlflow == 2..7.1", "is no requirement", "expected a line such as"),
        ("--reqirement x", "unknown option --reqirement", "did you mean --requirement?"),
        ("-r", "--requirement lacks its value", None),
        ("numpy --hash", "--hash lacks its value", None),
        ("x -f 'a", "no closing quotation", None),
        ("x @ y", "a URL was expected", None),
        ("<<<<<<< HEAD", "is no requirement", "expected a line such as"),
    ],
)
def test_a_broken_line_is_an_error_with_file_and_line(
    tmp_path: Path, line: str, message: str, hint: str | None
) -> None:
    with pytest.raises(InvalidProject) as caught:
        read(tmp_path, f"# first\n{line}\n")

    assert message in caught.value.message
    assert hint is None or hint in (caught.value.hint or "")
    assert str(caught.value.place) == f"{tmp_path / 'requirements.txt'}:2"


def test_a_lower_bound_with_a_star_is_read_with_a_warning(tmp_path: Path) -> None:
    found = read(tmp_path, "numpy>=1.18.*")

    assert found.packages == ("numpy>=1.18",)
    assert "only == and != take '.*'" in str(found.warnings[0])


def test_a_slip_of_the_keyboard_is_a_warning(tmp_path: Path) -> None:
    found = read(tmp_path, "sckit-learn\nkera\ndaskx\nrequests2\nnumpydoc\n")

    assert [str(warning).partition("did you mean ")[2] for warning in found.warnings] == [
        "'scikit-learn'?",
        "'requests'?",
    ]


def test_a_pointer_of_git_lfs_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(InvalidProject, match="pointer of Git LFS"):
        read(tmp_path, "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 3\n")


@pytest.mark.parametrize("content", [b"\x00\x01", b"\xff\xfea"], ids=["binary", "half UTF-16"])
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InvalidProject):
        read(tmp_path, content)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
@given(st.one_of(st.text(), st.text(alphabet="numpy=<>!~[]@:/.\\ -#;${}A\n'\"0123456789erc", max_size=60), st.binary()))
def test_any_content_is_read_or_refused(tmp_path: Path, content: str | bytes) -> None:
    with suppress(MlprojError):
        read(tmp_path, content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize(
    "line", ["${MY_TOKEN}!", "-r ${MY_TOKEN}", "./${MY_TOKEN}", "--pre ${MY_TOKEN}", "x @ https://${MY_TOKEN}@h/x ;;"]
)
def test_an_expanded_secret_is_in_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    monkeypatch.setenv("MY_TOKEN", "ghp-abcdefgh")

    try:
        found: object = read(tmp_path, line).notes
    except InvalidProject as error:
        found = (str(error), error.hint, error.place)

    assert "abcdefgh" not in repr(found)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "requirements.txt")

    with pytest.raises(InvalidProject, match="this is not a file"):
        text_file.load(tmp_path / "requirements.txt")


def test_a_file_of_very_many_packages_is_read_in_moments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(50):
        monkeypatch.setenv(f"ANY_TOKEN_{number}", f"secret{number}")
    text = "".join(f"package-{number}=={number}.0\n" for number in range(5000))
    began = time.process_time()
    for line in text.splitlines():
        str(Requirement(line))
    parsed = time.process_time()

    assert len(read(tmp_path, text).packages) == 5000
    assert time.process_time() - parsed < 6 * (parsed - began)  # what must be done anyway


def test_a_line_of_options_without_end_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(InvalidProject, match="more than 200,000 characters") as refusal:
        read(tmp_path, f"six\n-r '{'x' * 1_000_000}'\n")
    assert refusal.value.place and refusal.value.place.line == 2


def test_a_lock_of_five_megabytes_is_read(tmp_path: Path) -> None:
    hashes = " ".join(f"--hash=sha256:{number:064x}" for number in range(70))
    found = read(tmp_path, "".join(f"package-{number}==1.0 {hashes}\n" for number in range(1000)))
    assert (tmp_path / "requirements.txt").stat().st_size > 5 << 20
    assert len(found.packages) == 1000


def test_a_file_that_is_no_list_of_packages_by_its_size_is_refused_with_the_limit(tmp_path: Path) -> None:
    with (tmp_path / "requirements.txt").open("wb") as file:
        file.truncate(text_file.LARGEST + 1)
    with pytest.raises(InvalidProject, match="larger than 64 MiB"):
        requirements_file.read_into(Draft(), tmp_path / "requirements.txt")


def test_a_variable_of_an_address_that_is_not_set_is_named(tmp_path: Path) -> None:
    found = read(tmp_path, "six\napple @ https://ann:${NOT_SET_HERE}@host/apple-1-py3-none-any.whl\n")

    (warning,) = found.warnings
    assert "NOT_SET_HERE is not set" in warning.text and warning.place is not None and warning.place.line == 2
