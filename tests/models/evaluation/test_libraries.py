from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from mlproj.foundation.errors import UsageError
from mlproj.models.evaluation import libraries


def test_what_is_missing_is_named_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    known: list[str] = []
    monkeypatch.setattr(libraries, "find_spec", lambda name: object() if name in known else None)
    with pytest.raises(UsageError, match="needs pandas and scikit-learn and scipy, which are not installed") as caught:
        libraries.check()
    assert caught.value.hint == "pip install 'mlproj[evaluate]'"
    known += ["pandas", "sklearn", "scipy"]
    libraries.check()
    with pytest.raises(UsageError, match="needs matplotlib, which is not installed"):
        libraries.check(charts=True)


def test_nothing_is_imported_before_it_is_used() -> None:
    code = (
        "import sys, mlproj.cli.models.evaluate, mlproj.cli.models.evaluate_view, mlproj.models.evaluation.job\n"
        "print({'numpy', 'pandas', 'sklearn', 'scipy', 'matplotlib', 'pyarrow'} & sys.modules.keys())"
    )
    found: Any = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "set()\n"
