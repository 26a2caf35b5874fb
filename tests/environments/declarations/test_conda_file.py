from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlproj.environments.base import Declaration, Request
from mlproj.environments.declarations import conda_native, declaration
from mlproj.environments.declarations.requirements import Requirements
from mlproj.foundation.errors import EnvironmentFailure, InvalidProject, MlprojError


def read(folder: Path, text: str, kind: str = "conda_env", name: str = "conda.yaml") -> Requirements:
    (folder / name).write_bytes(dedent(text).encode("utf-8", "surrogatepass"))
    return declaration.read(Declaration(kind, folder / name), Request(folder, folder))


def test_the_usual_file_is_translated(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        """
        name: tutorial
        channels: [conda-forge]
        dependencies:
          - python=3.8
          - pip
          - conda-forge::scikit-learn=0.24
          - pandas >=1.0, <2
          - pip:
            - mlflow==1.20.2
        """,
    )

    assert (found.python, found.python_reason) == ("3.8", "'python=3.8' in conda.yaml")
    assert found.packages == ("scikit-learn==0.24.*", "pandas<2,>=1.0", "mlflow==1.20.2")
    assert found.build_dependencies == ("pip",)
    assert found.files == (tmp_path / "conda.yaml",)
    assert (found.notes, found.warnings) == ((), ())


def test_a_full_export_leaves_the_native_libraries_out_and_says_so(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        r"""
        name: base
        channels: [defaults]
        dependencies:
          - _libgcc_mutex=0.1=main
          - blas=1.0=mkl
          - ca-certificates=2021.4.13=h06a4308_1
          - certifi=2020.12.5=py39h06a4308_0
          - ld_impl_linux-64=2.33.1=h53a641e_7
          - libgcc-ng=9.1.0=hdf63c60_0
          - mkl_fft=1.3.0=py39h42c9631_2
          - numpy=1.20.1=py39h93e21f0_0
          - numpy-base=1.20.1=py39h7d8b39e_0
          - openssl=1.1.1k=h27cfd23_0
          - pip=21.0.1=py39h06a4308_0
          - python=3.9.4=hdb3f193_0
          - setuptools=52.0.0=py39h06a4308_0
          - tzdata=2020f=h52ac0ba_0
          - vs2015_runtime=14.27.29016=h5e58377_2
          - wincertstore=0.2=py39haa95532_0
        prefix: C:\Users\someone\anaconda3
        """,
    )

    assert found.python == "3.9.4"
    assert found.packages == ("certifi==2020.12.5", "numpy==1.20.1")
    assert found.build_dependencies == ("pip==21.0.1", "setuptools==52.0.0")
    told = " ".join(found.notes)
    for name in (
        "_libgcc_mutex",
        "blas",
        "ca-certificates",
        "libgcc-ng",
        "mkl_fft",
        "numpy-base",
        "openssl",
        "tzdata",
        "vs2015_runtime",
    ):
        assert name in told
    assert all(len(note) < 300 for note in found.notes)


def test_a_long_list_of_skipped_packages_is_shortened(tmp_path: Path) -> None:
    found = read(tmp_path, "dependencies:\n" + "\n".join(f"  - lib{number}" for number in range(40)))

    assert found.notes[0].startswith("skipped 40 native libraries that wheels contain: lib0, ")
    assert found.notes[0].endswith(" and 25 more")


@pytest.mark.parametrize(
    ("conda", "pypi"),
    [
        ("pytorch=1.7.1", "torch==1.7.1"),
        ("opencv", "opencv-python"),
        ("py-xgboost=1.3", "xgboost==1.3.*"),
        ("tensorflow-gpu=2.4.1", "tensorflow==2.4.1"),
        ("faiss-cpu", "faiss-cpu"),
        ("msgpack-python=1.0.2", "msgpack==1.0.2"),
        ("matplotlib-base", "matplotlib"),
        ("dask", "dask[complete]"),
        ("python-graphviz", "graphviz"),
        ("pytables=3.6.1", "tables==3.6.1"),
        ("librosa", "librosa"),
        ("jupyter", "jupyter"),
        ("PyYAML", "pyyaml"),
    ],
)
def test_names_that_differ_are_translated(tmp_path: Path, conda: str, pypi: str) -> None:
    assert read(tmp_path, f"dependencies: [python=3.8, '{conda}']").packages[0] == pypi


@pytest.mark.parametrize(
    "name",
    [
        "cudatoolkit",
        "cpuonly",
        "pytorch-cuda",
        "cuda-runtime",
        "gcc_linux-64",
        "gxx",
        "xorg-libx11",
        "m2w64-gmp",
        "libboost-devel",
    ],
)
def test_native_packages_are_known(name: str) -> None:
    assert conda_native.reason_to_skip(name)


@pytest.mark.parametrize(
    "name",
    [
        "numpy",
        "librosa",
        "libcst",
        "cuda-python",
        "gccxml-python",
        "perlin",
        "vcrpy",
        "font-roboto",
        "clangformat",
        "jsonpath-ng",
        "boost-histogram",
    ],
)
def test_python_packages_are_not_taken_for_native_ones(name: str) -> None:
    assert conda_native.reason_to_skip(name) is None


def test_the_python_is_found_in_the_build_string_of_another_package(tmp_path: Path) -> None:
    found = read(tmp_path, "dependencies: [python=3, numpy=1.18.1=py37h4f9e942_0]")

    assert (found.python, found.python_reason) == ("3.7", "numpy in conda.yaml was built for it")


@pytest.mark.parametrize(
    ("line", "python"),
    [
        ("python", None), ("python=3", "==3.*"), ("python>=3.6", ">=3.6"), ("python=3.7.*", "3.7"),
        ("python=3.8=*_cpython", "3.8"),
        ("python= 3.7.11 # the cluster's", "3.7.11"), ("python>=3.6,<3.9", ">=3.6,<3.9"), ("python 3.6.8", "3.6.8"),
    ],
)  # fmt: skip
def test_the_python_line_is_read_in_every_spelling(tmp_path: Path, line: str, python: str | None) -> None:
    assert read(tmp_path, f"dependencies: ['{line.replace(chr(39), chr(39) * 2)}']").python == python


@pytest.mark.parametrize(
    ("conda", "pip", "packages", "told"),
    [
        ("mlflow", "mlflow>=1.0", ("mlflow>=1.0",), False),
        ("mlflow=1.20", "mlflow", ("mlflow==1.20.*",), False),
        ("mlflow=1.20.2", "mlflow==1.20.2", ("mlflow==1.20.2",), False),
        ("mlflow=1.20.2", "mlflow==2.0", ("mlflow==2.0",), True),
        ("mlflow=1.20.2", "mlflow[extras]", ("mlflow[extras]==1.20.2",), False),
        ("mlflow", "mlflow @ https://example.org/mlflow.zip", ("mlflow @ https://example.org/mlflow.zip",), False),
    ],
)
def test_a_package_asked_for_in_conda_and_in_pip_is_one(
    tmp_path: Path, conda: str, pip: str, packages: tuple[str, ...], told: bool
) -> None:
    found = read(tmp_path, f"dependencies: ['{conda}', {{pip: ['{pip}']}}]")

    assert found.packages == packages
    assert any("pip's counts" in note for note in found.notes) is told


def test_pip_lines_are_relative_to_the_conda_file(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("numpy\n")

    found = read(
        tmp_path,
        "dependencies: [{pip: ['-r requirements.txt', '-e .', '--extra-index-url https://example.org/simple']}]",
    )

    assert found.packages == ("numpy",)
    assert found.editables == (str(tmp_path),)
    assert found.options == ("--extra-index-url", "https://example.org/simple")
    assert found.files == (tmp_path / "conda.yaml", tmp_path / "requirements.txt")


def test_what_only_conda_brings_along_is_added_and_told(tmp_path: Path) -> None:
    found = read(tmp_path, "dependencies: [scikit-learn=0.19.1, xgboost=1.3.3, pandas=1.0.0]")

    assert found.packages == ("scikit-learn==0.19.1", "xgboost==1.3.3", "pandas==1.0.0", "numpy", "scipy")
    assert found.implied == ("numpy", "scipy")
    assert found.all_pinned
    assert "added numpy, scipy for scikit-learn" in found.notes[0]


def test_a_new_scikit_learn_declares_its_own_needs(tmp_path: Path) -> None:
    assert read(tmp_path, "dependencies: [scikit-learn=1.2]").implied == ()


def test_r_and_other_programs_are_an_error_that_names_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(EnvironmentFailure) as caught:
        read(tmp_path, "dependencies:\n  - r-base=4.0\n  - r-caret\n  - nodejs\n  - cudf\n")

    assert caught.value.message == "conda packages without a Python equivalent: r-base, r-caret, nodejs, cudf"
    assert str(caught.value.place) == f"{tmp_path / 'conda.yaml'}:2:5"
    assert "--env-manager local" in (caught.value.hint or "")


def test_programs_of_this_machine_and_those_of_full_exports_are_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "git").write_text("#!/bin/sh\n")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    found = read(tmp_path, "dependencies: [git, pandoc=2.12=h06a4308_0]")

    assert found.notes == (
        "skipped 1 programs that this machine has: git",
        "skipped 1 programs of a full export that are not on this machine: pandoc",
    )


def test_variables_reach_the_program(tmp_path: Path) -> None:
    found = read(tmp_path, "dependencies: [numpy]\nvariables:\n  LEVEL: 010\n  NAME: a b\n")

    assert found.variables == {"LEVEL": "010", "NAME": "a b"}


def test_a_misplaced_pip_list_is_read_with_a_warning(tmp_path: Path) -> None:
    found = read(tmp_path, "channels: [defaults]\ndependencies: [python=3.8]\npip:\n  - mlflow\n")

    assert found.packages == ("mlflow",)
    assert "'pip' belongs in the list of dependencies" in str(found.warnings[0])


def test_the_anaconda_distribution_stands_for_its_usual_packages(tmp_path: Path) -> None:
    found = read(tmp_path, "dependencies: [anaconda]")

    assert {"numpy", "pandas", "scikit-learn"} <= set(found.packages)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("", "the file is empty", None),
        ("- numpy", "found a list, expected a mapping", None),
        ("dependencies: numpy", "'dependencies' must be a list", "begin each line"),
        ("dependencies: [{python: 3.10}]", "must be a text such as numpy=1.20", "write python=3.10"),
        ("dependencies: [3]", "must be a text", None),
        ("dependencies: ['numpy===']", "is no conda package", "expected numpy"),
        (
            "dependencies: ['git+https://u:hunter22@example.org/a.git']",
            "is no conda package",
            "belong in the pip: list",
        ),
        ("dependencies: [{pip: {numpy: 1}}]", "'pip' must be a list", None),
        ("dependencies: [{pip: [1]}]", "a line of pip must be a text", None),
        ("dependencies: [{pip: [wandb=0.21.3]}]", "one '=' is conda's spelling", "write wandb==0.21.3"),
        ("version https://git-lfs.github.com/spec/v1 oid", "pointer of Git LFS", "git lfs pull"),
    ],
)
def test_mistakes_have_a_place_and_a_hint(tmp_path: Path, text: str, message: str, hint: str | None) -> None:
    with pytest.raises(InvalidProject) as caught:
        read(tmp_path, text)

    assert message in caught.value.message
    assert "hunter22" not in str(caught.value)
    assert hint is None or hint in (caught.value.hint or "")
    assert caught.value.place is not None
    assert caught.value.place.line is not None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("variables: [a]", "'variables' must map names to values; it is ignored"),
        ("variables: {'a=b': 1}", "is no name of a variable; it is ignored"),
        ("dependencies: [python=3.8]\ndependencies: [numpy=1.20]", "'dependencies' is given twice, first at"),
        ("dependencies: [{pip: [numpy==1.20], numpy: 1}]", "'numpy' beside 'pip' is ignored"),
    ],
)
def test_what_mlflow_passes_over_refuses_nothing(tmp_path: Path, text: str, said: str) -> None:
    (warning,) = read(tmp_path, text).warnings

    assert said in warning.text
    assert warning.is_error
    assert warning.place is not None


def test_unknown_keys_and_empty_items_are_warnings(tmp_path: Path) -> None:
    found = read(tmp_path, "chanels: [defaults]\ndependencies:\n  - python=3.8\n  -\n  - pip:\n    -\n")

    assert "did you mean 'channels'?" in str(found.warnings[0])
    assert [warning for warning in found.warnings if "this list item is empty" in str(warning)] == list(
        found.warnings[1:]
    )
    assert len(found.warnings) == 3


def test_a_python_env_that_is_named_as_conda_is_read_as_what_it_is(tmp_path: Path) -> None:
    found = read(tmp_path, "python: 3.10\ndependencies: [numpy==1.22]\n", name="python_env.yaml")

    assert (found.python, found.packages) == ("3.10", ("numpy==1.22",))
    said = tuple(map(str, found.warnings))
    assert said == ("python_env.yaml is named as a conda_env, but its content is that of a python_env; read as that",)


def test_a_conda_file_that_is_named_as_python_env_is_read_as_what_it_is(tmp_path: Path) -> None:
    found = read(tmp_path, "channels: [defaults]\ndependencies: [python=3.8, numpy=1.20]\n", kind="python_env")

    assert (found.python, found.packages) == ("3.8", ("numpy==1.20.*",))
    assert "named as a python_env" in str(found.warnings[0])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)
@given(
    st.one_of(
        st.text(alphabet="abdependencies:\n -[]{}'\"=<>,|*3.#&!", max_size=80),
        st.lists(st.text(alphabet="abpython=<>!~*|,. 0123456789_[]#:/-", max_size=20), max_size=5).map(
            lambda items: f"dependencies: {items!r}"
        ),
    )
)
def test_any_text_is_read_or_refused(tmp_path: Path, text: str) -> None:
    with suppress(MlprojError):
        read(tmp_path, text)
