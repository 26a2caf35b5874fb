"""Random numbers in a project's code that nothing seeds, found by reading it."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

_MOST_FILES = 500
_LARGEST = 1_000_000  # bytes of a file that is read
_SKIPPED = frozenset((".git", ".venv", "venv", "node_modules", "__pycache__", "site-packages"))

# What draws random numbers, by the library whose seed decides them; and what sets that seed.
_DRAWS = {
    "random": ("random.",),
    "numpy": ("numpy.random.",),
    "torch": ("torch.rand", "torch.randn", "torch.randint", "torch.randperm", "torch.normal", "torch.nn.", "torch.utils.data.DataLoader"),
    "tensorflow": ("tensorflow.random.", "tensorflow.keras.", "keras."),
}
_SEEDS = {
    "random": ("random.seed",),
    "numpy": (
        "numpy.random.seed",
        "numpy.random.default_rng",
        "numpy.random.RandomState",
        "numpy.random.SeedSequence",
        "numpy.random.Generator",
    ),
    "torch": ("torch.manual_seed", "torch.random.manual_seed"),
    "tensorflow": ("tensorflow.random.set_seed", "tensorflow.keras.utils.set_random_seed", "keras.utils.set_random_seed"),
}
_SEED_ALL = ("seed_everything", "set_seed", "set_random_seed", "set_global_seed", "fix_seed", "seed_all")
# Of scikit-learn and its kin, what draws unless random_state is given.
_STATEFUL = frozenset(
    "train_test_split shuffle resample KFold StratifiedKFold ShuffleSplit StratifiedShuffleSplit RandomForestClassifier "
    "RandomForestRegressor ExtraTreesClassifier ExtraTreesRegressor DecisionTreeClassifier DecisionTreeRegressor "
    "GradientBoostingClassifier GradientBoostingRegressor BaggingClassifier BaggingRegressor AdaBoostClassifier AdaBoostRegressor "
    "SGDClassifier SGDRegressor MLPClassifier MLPRegressor KMeans MiniBatchKMeans GaussianMixture RandomizedSearchCV Perceptron "
    "IsolationForest TruncatedSVD NMF TSNE LatentDirichletAllocation make_blobs make_classification make_regression make_moons".split()
)
_SHUFFLES_WHEN_ASKED = frozenset(("KFold", "StratifiedKFold"))


def find(folder: Path) -> list[str]:
    """Where random numbers are drawn without a seed: a line for people for each library, with the first places."""
    draws: dict[str, list[str]] = defaultdict(list)
    seeded: set[str] = set()
    for file in _sources(folder):
        for name, call in _calls(file):
            where = f"{file.relative_to(folder)}:{call.lineno}"
            if name.rpartition(".")[2] in _SEED_ALL:
                seeded.update(_DRAWS)
            for library, seeds in _SEEDS.items():
                if name in seeds and (call.args or call.keywords):
                    seeded.add(library)
                elif name.startswith(_DRAWS[library]) and name not in seeds:
                    draws[library].append(where)
                elif name in seeds and library == "numpy":  # default_rng() and its like without a seed
                    draws[f"numpy ({name.rpartition('.')[2]} without a seed)"].append(where)
            if _lacks_state(name, call):
                draws["random_state"].append(f"{where} ({name.rpartition('.')[2]})")
    if "numpy" in seeded:
        draws.pop("random_state", None)  # without one scikit-learn draws from NumPy's
    return [_told(library, places) for library, places in draws.items() if library not in seeded]


def _told(library: str, places: list[str]) -> str:
    shown = ", ".join(places[:3]) + (f" and {len(places) - 3} more" if len(places) > 3 else "")
    if library == "random_state":
        return f"random_state is not given at {shown}"
    return f"{library} is never seeded, and draws random numbers at {shown}"


def _lacks_state(name: str, call: ast.Call) -> bool:
    last = name.rpartition(".")[2]
    if last not in _STATEFUL or any(word.arg in ("random_state", None) for word in call.keywords):
        return False
    asks = any(word.arg == "shuffle" and getattr(word.value, "value", None) is True for word in call.keywords)
    return asks or last not in _SHUFFLES_WHEN_ASKED


def _sources(folder: Path) -> Iterator[Path]:
    count = 0
    for file in sorted(folder.rglob("*.py")):
        if _SKIPPED.isdisjoint(file.relative_to(folder).parts) and file.is_file() and file.stat().st_size <= _LARGEST:
            count += 1
            if count > _MOST_FILES:
                return
            yield file


def _calls(file: Path) -> Iterator[tuple[str, ast.Call]]:
    """Every call of a file, by the full name of what is called: ``np.random.rand`` is ``numpy.random.rand``."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError, RecursionError):
        return
    names = dict(_imported(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (written := _written(node.func)):
            first, dot, rest = written.partition(".")
            yield names.get(first, first) + dot + rest, node


def _imported(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for one in node.names:
                yield (one.asname, one.name) if one.asname else (one.name.partition(".")[0], one.name.partition(".")[0])
        elif isinstance(node, ast.ImportFrom) and node.module:
            for one in node.names:
                yield one.asname or one.name, f"{node.module}.{one.name}"


def _written(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := _written(node.value)):
        return f"{before}.{node.attr}"
    return None
