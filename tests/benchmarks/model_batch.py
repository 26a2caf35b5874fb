"""A Parquet file of 1,000,000 rows and 20 columns predicted by ``mlproj models predict``, and by the same model in one
process on a frame that is in memory already.

What a prediction by mlproj has beside the model's own: reading the file, a second process and the way there and back,
checking the signature, and writing the output. *Of this* tells what these take alone, in one process. Starting the
worker and loading the model are in *the whole command* only.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.measure import MLPROJ, UV, WALL, Bench, Contender, Target, benchmark

ROWS, COLUMNS = int(os.environ.get("BATCH_ROWS", "1000000")), 20
PACKAGES = ("scikit-learn", "pandas", "pyarrow")
MODELS = ("forest", "linear")

_MAKE = """
import json, pathlib, pickle, sys
import numpy, pandas
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression
rows, columns, folder = int(sys.argv[1]), int(sys.argv[2]), pathlib.Path(sys.argv[3])
random = numpy.random.default_rng(0)
names = [f"c{number}" for number in range(columns)]
frame = pandas.DataFrame(random.normal(size=(rows, columns)), columns=names)
frame.to_parquet(folder / "data.parquet")
few = frame[:5000]
target = few.to_numpy() @ random.normal(size=columns) + few["c0"] * few["c1"]
models = {"forest": RandomForestRegressor(100, random_state=0), "linear": LinearRegression()}
for name, model in models.items():
    (folder / name).mkdir()
    (folder / name / "model.pkl").write_bytes(pickle.dumps(model.fit(few, target)))
    signature = json.dumps([{"type": "double", "name": column, "required": True} for column in names])
    flavors = {"python_function": {"loader_module": "mlflow.sklearn", "model_path": "model.pkl"},
               "sklearn": {"pickled_model": "model.pkl", "serialization_format": "pickle"}}
    document = {"flavors": flavors, "signature": {"inputs": signature, "outputs": None, "params": None}}
    (folder / name / "MLmodel").write_text(json.dumps(document))
    (folder / name / "requirements.txt").write_text("")
"""
_IN_PROCESS = """
import pandas, pickle
frame = pandas.read_parquet(sys.argv[1])
model = pickle.load(open(sys.argv[2] + "/model.pkl", "rb"))
model.predict(frame[:100])
with timed():
    model.predict(frame)
"""
_READ = """
import pandas
pandas.read_parquet(sys.argv[1], columns=["c0"])[:10]
with timed():
    pandas.read_parquet(sys.argv[1])
"""
_ALL_IN_PROCESS = """
import pandas, pickle
model = pickle.load(open(sys.argv[2] + "/model.pkl", "rb"))
pandas.read_parquet(sys.argv[1], columns=["c0"])[:10]
with timed():
    frame = pandas.read_parquet(sys.argv[1])
    pandas.DataFrame({"prediction": model.predict(frame)}).to_parquet("peer.parquet")
"""
_OURS = """
from pathlib import Path
from mlproj.environments.base import Prepared
from mlproj.foundation.progress import Silent
from mlproj.models.opened import open_model
from mlproj.models.prediction import arrow_columns
from mlproj.models.prediction.prediction import predict
from mlproj.models.prediction.request import PredictionRequest
from mlproj.models.scoring import worker_process
from mlproj.models.scoring.spec import spec_of
request = PredictionRequest(sys.argv[1], "out.parquet", "parquet", "parquet")
arrow_columns.pyarrow("Arrow data")
with open_model(sys.argv[2], Silent()) as opened:
    with worker_process.start(Prepared(path=(Path(sys.argv[3]).parent,))) as worker:
        worker.load(spec_of(opened))
        begin = time.perf_counter()
        with timed():
            done = predict(worker, request, opened.file.signature, lambda rows: None)
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    others = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    open(sys.argv[4], "w").write(json.dumps({"mlproj": own, "the model's process": others}))
"""


def main() -> None:
    with benchmark(f"batch prediction: {ROWS:,} rows, {COLUMNS} columns", rounds=3) as bench:
        python = _environment(bench)
        subprocess.run([python, "-c", _MAKE, str(ROWS), str(COLUMNS), bench.folder], env=bench.environ, check=True)
        data = bench.folder / "data.parquet"
        bench.compare(Contender("reading the file alone", bench.timed_program(python, _READ, data)))
        for name in MODELS:
            model, peak = bench.folder / name, bench.folder / f"{name}.peak"
            command = ("models", "predict", model, "-i", data, "-o", bench.folder / "out.parquet", "--no-record")
            path = {"PATH": f"{python.parent}{os.pathsep}{bench.environ['PATH']}"}
            bench.compare(
                Contender(f"{name}: in process", bench.timed_program(python, _IN_PROCESS, data, model)),
                Contender(f"{name}: read, predict, write", bench.timed_program(python, _ALL_IN_PROCESS, data, model)),
                Contender(f"{name}: mlproj", bench.timed_program(sys.executable, _OURS, data, model, python, peak)),
                Contender(
                    f"{name}: the whole command",
                    bench.command(*MLPROJ, *command, "--env-manager", "local", env=path),
                ),
            )
            found = {who: f"{size / 1024:.0f} MiB" for who, size in json.loads(peak.read_text()).items()}
            print(f"{name}, peak memory: {', '.join(f'{who} {size}' for who, size in found.items())}")
        bench.report(
            "linear: in process",
            *(Target(f"{name}: mlproj", f"{name}: in process", 1.5, WALL) for name in MODELS),
            *(Target(f"{name}: mlproj", f"{name}: read, predict, write", None, WALL) for name in MODELS),
        )


def _environment(bench: Bench) -> Path:
    """A Python with the model's packages."""
    folder = bench.folder / "environment"
    subprocess.run([UV, "venv", "-q", "--python", sys.executable, folder], env=bench.environ, check=True)
    python = folder / "bin" / "python"
    subprocess.run([UV, "pip", "install", "-q", "--python", python, *PACKAGES], env=bench.environ, check=True)
    return python


if __name__ == "__main__":
    main()
