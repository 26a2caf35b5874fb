"""Names of packages, compared as indexes compare them."""

from __future__ import annotations

import pytest
from packaging.utils import canonicalize_name

from mlproj.environments.package_name import canonical


@pytest.mark.parametrize(
    "name", ["numpy", "Scikit_Learn", "ruamel.yaml", "a-._-b", "Zope.Interface", "A", "x__y--z..w"]
)
def test_names_are_compared_as_packaging_compares_them(name: str) -> None:
    assert canonical(name) == canonicalize_name(name)
    assert canonical(canonical(name)) == canonical(name)
