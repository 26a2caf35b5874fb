"""What a stranger lacks who runs a project, found by reading its code."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlproj.foundation.errors import Notice
from mlproj.projects import outside_needs


def needs(folder: Path, **files: str) -> list[Notice]:
    for name, content in files.items():
        path = folder / name.replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return outside_needs.find(folder)


@pytest.mark.parametrize(
    ("code", "line", "said", "hint"),
    [
        ("import wandb\nwandb.init(project='x')\n", 2, "Weights & Biases", "WANDB_MODE=offline"),
        (
            "import dagshub as d\n\nd.init(repo_owner='a', repo_name='b', mlflow=True)\n",
            3,
            "DagsHub",
            "DAGSHUB_USER_TOKEN",
        ),
        (
            "import mlflow\nmlflow.set_tracking_uri('https://dagshub.com/a/b.mlflow')\n",
            2,
            "DagsHub",
            "MLFLOW_TRACKING_USERNAME",
        ),
        ("from huggingface_hub import login\nlogin()\n", 2, "Hugging Face", "HF_TOKEN"),
        ("import boto3\ns3 = boto3.client('s3')\n", 2, "Amazon's cloud", "aws configure"),
        ("import pandas as pd\npd.read_csv('s3://bucket/a.csv')\n", 2, "Amazon's cloud", "AWS_ACCESS_KEY_ID"),
        ("from google.cloud import storage\nstorage.Client()\n", 2, "Google's cloud", "gcloud"),
        ("import kaggle\nkaggle.api.authenticate()\n", 2, "Kaggle", "KAGGLE_KEY"),
        ("import os\nkey = os.environ['SERVICE_KEY']\n", 2, "the variable SERVICE_KEY", "export SERVICE_KEY=…"),
        (
            "import mlflow\nmlflow.pyfunc.load_model('models:/wine/Production')\n",
            2,
            "models:/wine",
            "register it there first",
        ),
        (
            "import pandas as pd\npd.read_csv('data/wine.csv', sep=';')\n",
            2,
            "reads data/wine.csv, which is not in the project",
            None,
        ),
        ("import numpy as np\nPLACE = 'a.npy'\nnp.load(PLACE)\n", 3, "reads a.npy", None),
        ("from pathlib import Path\n(Path('data') / 'x.txt').read_text()\n", 2, "reads data/x.txt", None),
        ("import os\nopen(os.path.join('data', 'x.txt'))\n", 2, "reads data/x.txt", None),
        ("open('/nobody/there/x.csv')\n", 1, "a place on its author's machine", "a parameter"),
        ("import joblib\njoblib.load('model.pkl')\n", 2, "an earlier step may make or download it", None),
    ],
)
def test_what_is_lacking_is_told_with_its_line(
    tmp_path: Path, code: str, line: int, said: str, hint: str | None
) -> None:
    (found,) = needs(tmp_path, train__py=code)

    assert found.place is not None
    assert (found.place.file, found.place.line) == ("train.py", line)
    assert said in found.text
    assert hint is None or hint in str(found.hint)
    assert not found.is_error


@pytest.mark.parametrize(
    "code",
    [
        "open('here.csv')\n",
        "import pandas as pd\ndf.to_csv('out.csv')\npd.read_csv('out.csv')\n",
        "open('log.txt', 'w').write('x')\n",
        "from pathlib import Path\nPath('log.txt').open('a')\n",
        "import urllib.request\nurllib.request.urlretrieve('https://host/a.csv', 'a.csv')\nopen('a.csv')\n",
        "import pandas as pd\npd.read_csv('https://host/a.csv')\n",
        "import pandas as pd\ndef f(path):\n    return pd.read_csv(path)\n",
        "import os\nhome = os.environ['HOME']\nkey = os.environ.get('KEY')\nos.environ['SET'] = '1'\n",
        (
            "import mlflow\nmlflow.sklearn.log_model(m, 'm',"
            " registered_model_name='wine')\nmlflow.pyfunc.load_model('models:/wine/1')\n"
        ),
        "import json, mlflow\njson.load(handle)\nmlflow.load('x')\n",
        "this is no Python\n",
    ],
)
def test_what_is_there_or_made_by_the_project_is_passed_over(tmp_path: Path, code: str) -> None:
    assert needs(tmp_path, train__py=code, here__csv="") == []


def test_files_beside_the_script_and_a_similar_name_are_found(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "near.csv").write_text("")
    (tmp_path / "src" / "a.py").write_text("open('near.csv')\n")
    (tmp_path / "wine.csv").write_text("")
    (found,) = needs(tmp_path, b__py="open('wines.csv')\n")

    assert found.hint == "did you mean wine.csv?"


def test_what_dvc_keeps_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "data.csv.dvc").write_text("outs:\n- path: data.csv\n")
    (found,) = needs(tmp_path, a__py="open('data.csv')\n")

    assert "data.csv is kept by DVC" in found.text
    assert str(found.place) == "data.csv.dvc:1"


def test_tests_and_environments_are_not_the_program(tmp_path: Path) -> None:
    for name in ("tests", "venv", ".hidden"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.py").write_text("open('nowhere.csv')\n")

    assert needs(tmp_path) == []
