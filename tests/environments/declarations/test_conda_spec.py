from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from mlproj.environments.declarations import conda_spec


@pytest.mark.parametrize(
    ("text", "name", "specifier"),
    [
        ("numpy", "numpy", ""),
        ("NumPy", "numpy", ""),
        ("numpy=1.2", "numpy", "==1.2.*"),
        ("numpy=1.20.1", "numpy", "==1.20.1"),
        ("numpy==1.2", "numpy", "==1.2"),
        ("numpy=1.2=py37_0", "numpy", "==1.2"),
        ("numpy==1.2=py37_0", "numpy", "==1.2"),
        ("numpy 1.2.*", "numpy", "==1.2.*"),
        ("numpy=1.2*", "numpy", "==1.2.*"),
        ("numpy=1.2.*", "numpy", "==1.2.*"),
        ("numpy 1.8 py27_0", "numpy", "==1.8"),
        ("numpy>=1,<2", "numpy", ">=1,<2"),
        ("numpy >= 1 , < 2", "numpy", ">=1,<2"),
        ("numpy!=1.3", "numpy", "!=1.3"),
        ("numpy!=1.3.*", "numpy", "!=1.3.*"),
        ("numpy<=1.2.*", "numpy", "<=1.2"),
        ("numpy~=1", "numpy", "~=1.0"),
        ("numpy~=1.4.2", "numpy", "~=1.4.2"),
        ("numpy>=1.2=py_0", "numpy", ">=1.2"),
        ("numpy=1.2|1.3", "numpy", "==1.3.*"),
        ("numpy=*", "numpy", ""),
        ("numpy=", "numpy", ""),
        ("python= 3.7.11 # the one of the cluster", "python", "==3.7.11"),
        ("conda-forge::numpy=1.20", "numpy", "==1.20.*"),
        ("conda-forge/linux-64::numpy>=1", "numpy", ">=1"),
        ("numpy[version='>=1,<2', build=py3*]", "numpy", ">=1,<2"),
        ('numpy[version=">=1"]', "numpy", ">=1"),
        ("torch=1.0rc1", "torch", "==1.0rc1"),
        ("torch=1.0_rc1", "torch", "==1.0rc1"),
        ("_libgcc_mutex=0.1=main", "_libgcc_mutex", "==0.1"),
    ],
)
def test_conda_versions_become_versions_of_pypi(text: str, name: str, specifier: str) -> None:
    spec = conda_spec.parse(text)

    assert (spec.name, spec.specifier) == (name, specifier)


def test_a_choice_of_versions_is_told() -> None:
    assert conda_spec.parse("numpy=1.2|1.3").dropped == "of =1.2|1.3 the last choice is used"


def test_a_version_that_pypi_cannot_have_is_told() -> None:
    spec = conda_spec.parse("openssl=1.1.1k=h27cfd23_0")

    assert spec.specifier == ""
    assert spec.dropped == "=1.1.1k is no version that PyPI can have"


@pytest.mark.parametrize(
    ("text", "specifier"),
    [
        ("n<1+0", "<1"),
        ("n~=1+0", "~=1.0"),
        ("n~=1a", ">=1a0"),
        ("n=1a*", ""),
        ("n=1+a*", ""),
        ("n!=1.0.post1*", ""),
        ("n==1.0+cu", "==1.0+cu"),
    ],
)
def test_what_pep_440_cannot_say_is_loosened_or_dropped(text: str, specifier: str) -> None:
    spec = conda_spec.parse(text)

    assert spec.specifier == specifier
    assert SpecifierSet(spec.specifier) == SpecifierSet(specifier)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "~",
        "=1.2",
        "numpy=1=b=c",
        "numpy[version",
        "numpy[what]",
        "git+https://host/a.git",
        "numpy ≥ 1",
        "numpy>=>=1",
    ],
)
def test_what_conda_would_not_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|no version"):
        conda_spec.parse(text)


@pytest.mark.parametrize(
    ("build", "python"),
    [
        ("py37h27cfd23_0", "3.7"),
        ("py310h06a4308_0", "3.10"),
        ("py27_0", "2.7"),
        ("py3.8_cuda11.1_cudnn8.0.5_0", "3.8"),
        ("cpu_py39h8a2f0b7_1", "3.9"),
        ("cuda112py38hb6c2f8c_0", "3.8"),
        ("2_cp38", "3.8"),
        ("pyhd3eb1b0_0", None),
        ("py_0", None),
        ("py3_0", None),
        ("h7b6447c_0", None),
        ("", None),
        (None, None),
    ],
)
def test_a_build_string_tells_the_python(build: str | None, python: str | None) -> None:
    assert conda_spec.python_of(build) == python


@given(st.text(alphabet="abcnumpy=<>!~*|,. 0123456789_[]'\"#:-+\n", max_size=40))
def test_any_text_is_a_valid_specifier_or_a_value_error(text: str) -> None:
    try:
        spec = conda_spec.parse(text)
    except ValueError:
        return
    SpecifierSet(spec.specifier)
