from __future__ import annotations

from pathlib import Path

import pytest

from mlproj.projects.base import EntryPoint
from mlproj.reproduction import unseeded


def found(folder: Path, command: str = "python main.py", **files: str) -> list[str]:
    for name, text in files.items():
        place = folder / f"{name.replace('__', '/')}.py"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return unseeded.find(folder, EntryPoint("main", command))


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (
            "import random\nx = 1\nrandom.random()\n",
            "random is never seeded, and draws random numbers at main.py:3 (random.random)",
        ),
        ("import random\nrandom.seed()\nrandom.random()\n", "random is never seeded"),
        ("from random import shuffle as mix\nmix([])\n", "main.py:2 (random.shuffle)"),
        (
            "import numpy as np\nnp.random.rand(3)\n",
            "numpy is never seeded, and draws random numbers at main.py:2 (numpy.random.rand)",
        ),
        ("from numpy import random\nrandom.normal()\n", "main.py:2 (numpy.random.normal)"),
        (
            "import numpy as np\nrng = np.random.default_rng()\n",
            "come from the system, which no seed decides, at main.py:2",
        ),
        ("import numpy as np\nnp.random.default_rng(0)\nnp.random.rand()\n", "numpy is never seeded"),
        ("import numpy as np\nnp.random.RandomState(seed=None)\n", "numpy.random.RandomState"),
        ("import random\nrandom.seed(1)\nrandom.Random()\n", "main.py:3 (random.Random)"),
        ("import uuid\nuuid.uuid4()\n", "uuid.uuid4"),
        ("import torch\ntorch.randn(3)\n", "torch is never seeded"),
        ("from torch import nn\nnn.Linear(1, 1)\n", "torch.nn.Linear"),
        ("from torch.utils.data import DataLoader\nDataLoader([], shuffle=True)\n", "torch is never seeded"),
        ("import tensorflow as tf\ntf.keras.layers.Dense(1)\n", "tensorflow is never seeded"),
        (
            "from sklearn.model_selection import train_test_split\ntrain_test_split([])\n",
            "random_state is not given at main.py:2",
        ),
        (
            "from sklearn.model_selection import KFold\nKFold(shuffle=True, random_state=None)\n",
            "random_state is not given",
        ),
    ],
)
def test_what_draws_without_a_seed_is_told_with_its_place(tmp_path: Path, code: str, told: str) -> None:
    (line,) = found(tmp_path, main=code)
    assert told in line


@pytest.mark.parametrize(
    "code",
    [
        "import random\nrandom.seed(42)\nrandom.random()\n",
        "import random\nrng = random.Random(42)\nrng.random()\n",
        "import numpy as np\nnp.random.seed(0)\nnp.random.rand()\n",
        "import numpy as np\nimport sys\nrng = np.random.default_rng(int(sys.argv[1]))\nrng.normal()\n",
        "import numpy as np\nrng = np.random.Generator(np.random.PCG64(seed=3))\n",
        "from numpy.random import Generator\ndef f(rng: Generator): return rng.random()\n",
        (
            "import numpy as np\nfrom sklearn.model_selection import"
            " train_test_split\nnp.random.seed(1)\ntrain_test_split([])\n"
        ),
        "from sklearn.ensemble import RandomForestClassifier\nRandomForestClassifier(random_state=0)\n",
        "from sklearn.ensemble import RandomForestClassifier\nRandomForestClassifier(**options)\n",
        "from sklearn.model_selection import KFold\nKFold(5)\n",
        "import torch\ntorch.manual_seed(0)\ntorch.randn(1)\n",
        "import torch\nfrom torch import nn\nnn.functional.relu(nn.ReLU()(x))\ntorch.randn(1, generator=g)\n",
        "from torch.utils.data import DataLoader\nDataLoader([])\n",
        "from pytorch_lightning import seed_everything\nimport random\nseed_everything(1)\nrandom.random()\n",
        "import keras, numpy as np\nkeras.utils.set_random_seed(0)\nnp.random.rand()\nkeras.layers.Dense(1)\n",
        "def random(): ...\nrandom.random()\nshuffle([])\nx.randn()\n",
        "import random\n",
        "import random\ndef broken(:\n",
        "",
    ],
)
def test_what_is_seeded_or_draws_nothing_is_not_accused(tmp_path: Path, code: str) -> None:
    assert found(tmp_path, main=code) == []


def test_a_seed_counts_where_the_script_can_see_it(tmp_path: Path) -> None:
    draws, seeds = "import random\nrandom.random()\n", "import random\ndef fix_all(): random.seed(1)\n"
    assert found(tmp_path / "a", main="import lib.seeding\n" + draws, lib__seeding=seeds, lib____init__="") == []
    assert len(found(tmp_path / "b", main=draws, seeding=seeds)) == 1, "a module that is not imported seeds nothing"
    assert found(tmp_path / "c", main="x = 1\n", other=draws) == [], "and draws nothing"


def test_without_a_script_in_the_command_all_of_the_project_is_read(tmp_path: Path) -> None:
    (line,) = found(tmp_path, "python -m train", train="import random\nrandom.random()\n")
    assert "train.py:2" in line
    assert found(tmp_path / "shell", "echo $RANDOM") == ["the shell's $RANDOM is used by the command"]
    (tmp_path / "shell").mkdir(exist_ok=True)


def test_scripts_outside_of_the_project_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text("import random\nrandom.random()\n")
    (tmp_path / "p").mkdir()
    assert found(tmp_path / "p", f"python ../other.py {tmp_path}/other.py") == []
