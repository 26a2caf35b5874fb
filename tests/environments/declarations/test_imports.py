from __future__ import annotations

from pathlib import Path

import pytest

from mlproj.environments.base import Request
from mlproj.environments.declarations import imports
from mlproj.environments.declarations.requirements import Requirements


def put(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / (name.replace("__in__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def modules(folder: Path, script: str | None = None) -> list[str]:
    return list(imports.scan(folder, folder / script if script else None).imports)


def test_third_party_imports_are_found_with_their_first_place(tmp_path: Path) -> None:
    put(
        tmp_path,
        train=(
            "import os\nimport numpy as np\nfrom sklearn.svm import SVC\nimport numpy.linalg\nimport urllib2, cPickle\n"
        ),
    )

    found = imports.scan(tmp_path).imports

    assert list(found) == ["numpy", "sklearn"]
    assert str(found["sklearn"].place) == f"{tmp_path / 'train.py'}:3"


def test_the_project_s_own_modules_are_not_third_party(tmp_path: Path) -> None:
    put(
        tmp_path,
        train="import helper\nfrom pkg.deep import thing\nfrom . import helper\nfrom src.tool import x\n",
        helper="import pandas",
    )
    put(
        tmp_path,
        pkg__in__deep="from .other import y\nimport yaml\n",
        pkg__in__other="import attr",
        src__in__tool="import tool2\n",
        src__in__tool2="",
    )

    assert set(modules(tmp_path)) == {"pandas", "yaml", "attr"}


def test_only_files_that_the_entry_point_reaches_count(tmp_path: Path) -> None:
    put(
        tmp_path,
        train="import helper\nimport pkg.deep\nimport numpy",
        helper="import pandas",
        unused="import torch",
        plot="import seaborn",
    )
    put(
        tmp_path,
        pkg__in____init__="import scipy",
        pkg__in__deep="from . import near",
        pkg__in__near="import yaml",
        pkg__in__far="import keras",
    )

    assert set(modules(tmp_path, "train.py")) == {"numpy", "pandas", "scipy", "yaml"}


def test_a_folder_of_data_named_like_a_package_hides_nothing(tmp_path: Path) -> None:
    put(tmp_path, train="import mlflow\nimport wandb\n")
    (tmp_path / "wandb").mkdir()
    (tmp_path / "wandb" / "run.log").write_text("")

    assert modules(tmp_path, "train.py") == ["mlflow", "wandb"]


@pytest.mark.parametrize(
    "text",
    [
        "try:\n    import numpy\nexcept ImportError:\n    numpy = None\n",
        "try:\n    import numpy\nexcept (ValueError, ModuleNotFoundError):\n    pass\n",
        "try:\n    import numpy\nexcept:\n    pass\n",
    ],
)
def test_an_import_that_may_fail_is_optional(tmp_path: Path, text: str) -> None:
    put(tmp_path, train=text)

    found = imports.scan(tmp_path).imports["numpy"]

    assert found.optional


def test_an_import_needed_in_one_place_is_needed(tmp_path: Path) -> None:
    put(tmp_path, train="try:\n    import numpy\nexcept ImportError:\n    pass\ndef f():\n    import numpy\n")

    assert not imports.scan(tmp_path).imports["numpy"].optional


def test_imports_for_type_checkers_do_not_count(tmp_path: Path) -> None:
    put(
        tmp_path,
        train="from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import numpy\nelse:\n    import scipy\n",
    )

    assert modules(tmp_path) == ["scipy"]


def test_broken_and_old_files_are_told_and_left_out(tmp_path: Path) -> None:
    put(tmp_path, old="import numpy\nprint 'hello'\n", new="import pandas\n", deep="(" * 5000)
    (tmp_path / "binary.py").write_bytes(b"\0\1")

    found = imports.scan(tmp_path)

    assert list(found.imports) == ["pandas"]
    assert "old.py was not looked at for imports: line 2 is no valid Python 3" in found.notes
    assert len(found.notes) == 3


def test_virtual_environments_and_hidden_folders_are_not_searched(tmp_path: Path) -> None:
    put(
        tmp_path,
        venv__in__a="import a1",
        **{".git__in__b": "import b1", "node_modules__in__c": "import c1", "mine__in__d": "import d1"},
    )
    (tmp_path / "mine" / "pyvenv.cfg").write_text("")

    assert modules(tmp_path) == []


@pytest.mark.parametrize(
    ("module", "package"),
    [
        ("sklearn.svm", "scikit-learn"), ("cv2", "opencv-python"), ("PIL.Image", "pillow"), ("yaml", "pyyaml"),
        ("bs4", "beautifulsoup4"), ("skimage", "scikit-image"), ("dotenv", "python-dotenv"), ("Crypto", "pycryptodome"),
        ("google.cloud.storage", "google-cloud-storage"),
        ("google.cloud.run_v2", "google-cloud-run-v2"), ("google.protobuf.message", "protobuf"),
        ("azure.identity", "azure-identity"), ("azureml.core", "azureml-core"), ("numpy", "numpy"),
        ("imblearn.over_sampling", "imbalanced-learn"), ("hydra", "hydra-core"),
    ],
)  # fmt: skip
def test_modules_are_known_by_their_package(module: str, package: str) -> None:
    assert imports.package_for(module) == package


def test_inferring_says_what_was_inferred_and_leaves_optional_ones_out(tmp_path: Path) -> None:
    put(
        tmp_path,
        train=(
            "import numpy\nimport sklearn\nfrom google.cloud import storage\nfrom google.cloud.storage import Client\n"
            "try:\n    import cupy\nexcept ImportError:\n    pass\n"
        ),
    )

    found = imports.infer(Request(tmp_path, tmp_path, script=tmp_path / "train.py"))

    assert found.packages == ("numpy", "scikit-learn", "google-cloud-storage")
    assert found.files == (tmp_path / "train.py",)
    assert found.notes == (
        "no file names the packages; inferred from the imports: numpy, scikit-learn, google-cloud-storage",
        "skipped 1 packages whose import the code makes optional: cupy",
    )


def test_a_missing_module_of_the_project_s_own_is_not_fetched_from_the_index(tmp_path: Path) -> None:
    put(tmp_path, train="import utils\nimport numpy\n")

    found = imports.infer(Request(tmp_path, tmp_path))

    assert found.packages == ("numpy",)
    assert "'utils' is unknown" in str(found.warnings[0])


def test_imports_that_no_file_declares_are_listed_with_their_place(tmp_path: Path) -> None:
    put(tmp_path, train="import numpy\nimport cv2\nimport yaml\nimport torch\nimport matplotlib\n")
    declared = Requirements(
        packages=(
            "NumPy>=1",
            "opencv-python-headless==4",
            "torch @ https://example.org/torch.whl",
            "matplotlib>3 --hash=x",
        )
    )

    found = imports.undeclared(tmp_path, declared)

    assert [(one.package, one.place.line) for one in found] == [("pyyaml", 3)]
