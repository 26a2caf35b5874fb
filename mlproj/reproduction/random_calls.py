"""What a call in Python does with random numbers, by the full name of what is called and from its arguments."""

from __future__ import annotations

import ast
from dataclasses import dataclass

SYSTEM = "system"
STATE = "random_state"

_FUNCTIONS_OF_RANDOM = frozenset(
    "random randint randrange choice choices sample shuffle uniform triangular gauss normalvariate lognormvariate"
    " expovariate betavariate gammavariate paretovariate weibullvariate vonmisesvariate binomialvariate getrandbits"
    " randbytes".split()
)
# Of numpy.random what does not draw from its global state.
_NO_DRAWS_OF_NUMPY = frozenset(
    ("seed", "get_state", "set_state", "default_rng", "Generator", "BitGenerator", "RandomState", "SeedSequence")
)
# What draws from the system where it is given no seed.
_GENERATORS = frozenset(("random.Random",)) | frozenset(
    f"numpy.random.{name}"
    for name in ("default_rng", "RandomState", "SeedSequence", "PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")
)
_TORCH = frozenset(
    "rand randn randint randperm normal rand_like randn_like randint_like bernoulli multinomial nn.functional.dropout"
    " utils.data.random_split utils.data.RandomSampler nn.Linear nn.Bilinear nn.Conv1d nn.Conv2d nn.Conv3d"
    " nn.ConvTranspose1d nn.ConvTranspose2d nn.ConvTranspose3d nn.Embedding nn.EmbeddingBag nn.RNN nn.LSTM nn.GRU"
    " nn.LSTMCell nn.GRUCell nn.MultiheadAttention nn.Transformer nn.TransformerEncoderLayer nn.TransformerDecoderLayer"
    " nn.Dropout nn.Dropout2d".split()
)
_KERAS_LAYERS = frozenset(
    "Dense Conv1D Conv2D Conv3D Conv2DTranspose Embedding SimpleRNN LSTM GRU Dropout GaussianNoise "
    "MultiHeadAttention".split()
)
_TENSORFLOW = {
    "tensorflow.random": frozenset("normal uniform shuffle truncated_normal categorical gamma poisson".split()),
    "tensorflow.keras.layers": _KERAS_LAYERS,
    "keras.layers": _KERAS_LAYERS,
}
_SEEDS = {
    "random.seed": ("random",),
    "numpy.random.seed": ("numpy",),
    "numpy.random.set_state": ("numpy",),
    "torch.manual_seed": ("torch",),
    "torch.random.manual_seed": ("torch",),
    "tensorflow.random.set_seed": ("tensorflow",),
    "tensorflow.set_random_seed": ("tensorflow",),
    "tensorflow.keras.utils.set_random_seed": ("random", "numpy", "tensorflow"),
    "keras.utils.set_random_seed": ("random", "numpy", "tensorflow"),
}
_ALL = ("random", "numpy", "torch", "tensorflow")
# What people and libraries call functions that seed everything.
_SEED_ALL = frozenset(
    "seed_everything set_seed set_seeds set_random_seed set_random_seeds set_global_seed fix_seed seed_all"
    " seed_everything_default".split()
)
# Of scikit-learn, what draws unless random_state is given.
_STATEFUL = frozenset(
    "train_test_split shuffle resample ShuffleSplit StratifiedShuffleSplit GroupShuffleSplit RandomForestClassifier"
    " RandomForestRegressor ExtraTreesClassifier ExtraTreesRegressor DecisionTreeClassifier DecisionTreeRegressor"
    " GradientBoostingClassifier GradientBoostingRegressor BaggingClassifier BaggingRegressor AdaBoostClassifier"
    " AdaBoostRegressor SGDClassifier SGDRegressor MLPClassifier MLPRegressor KMeans MiniBatchKMeans GaussianMixture"
    " RandomizedSearchCV Perceptron IsolationForest NMF TSNE LatentDirichletAllocation make_blobs make_classification"
    " make_regression make_moons make_circles".split()
)
_STATEFUL_WHEN_SHUFFLING = frozenset(("KFold", "StratifiedKFold", "StratifiedGroupKFold"))


@dataclass(frozen=True)
class Use:
    """What a call does: ``seeds`` names the libraries that it seeds, ``draws`` the one that it draws from without a
    seed of its own."""

    seeds: tuple[str, ...] = ()
    draws: str | None = None


def classify(name: str, call: ast.Call) -> Use | None:
    """What *call* of *name* (``numpy.random.rand``) does with random numbers; None: nothing that is known."""
    last = name.rpartition(".")[2]
    if last in _SEED_ALL and name not in _SEEDS:
        return Use(seeds=_ALL)
    if name in _SEEDS:
        return Use(seeds=_SEEDS[name]) if _has_value(call) else None
    if name in _GENERATORS:
        return None if _has_value(call) else Use(draws=SYSTEM)
    drawn = _library(name, last, call)
    return Use(draws=drawn) if drawn else None


def _library(name: str, last: str, call: ast.Call) -> str | None:
    room = name.rpartition(".")[0]
    if room == "secrets" or name in ("os.urandom", "uuid.uuid1", "uuid.uuid4", "random.SystemRandom"):
        return SYSTEM
    if room == "random" and last in _FUNCTIONS_OF_RANDOM:
        return "random"
    if room == "numpy.random" and last.islower() and last not in _NO_DRAWS_OF_NUMPY:
        return "numpy"
    if _draws_in_torch(name, call):
        return "torch"
    if last in _TENSORFLOW.get(room, ()):
        return "tensorflow"
    return STATE if room.partition(".")[0] == "sklearn" and _lacks_state(last, call) else None


def _draws_in_torch(name: str, call: ast.Call) -> bool:
    if not name.startswith("torch.") or _given(call, "generator"):
        return False
    loads = name == "torch.utils.data.DataLoader" and _is_true(call, "shuffle")
    return loads or name.removeprefix("torch.") in _TORCH or name.startswith("torch.nn.init.")


def _lacks_state(last: str, call: ast.Call) -> bool:
    if _given(call, "random_state") or any(word.arg is None for word in call.keywords):
        return False
    return last in _STATEFUL or (last in _STATEFUL_WHEN_SHUFFLING and _is_true(call, "shuffle"))


def _has_value(call: ast.Call) -> bool:
    """Whether the first argument is there, and is not plainly None."""
    values = [*call.args, *(word.value for word in call.keywords)]
    return bool(values) and not _is(values[0], None)


def _given(call: ast.Call, name: str) -> bool:
    return any(word.arg == name and not _is(word.value, None) for word in call.keywords)


def _is_true(call: ast.Call, name: str) -> bool:
    return any(word.arg == name and _is(word.value, True) for word in call.keywords)


def _is(node: ast.expr, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value
