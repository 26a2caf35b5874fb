"""A served model: requests per second over a bare ASGI application that holds the same model, and peers beside it.

`python -m tests.benchmarks.model_serving --python ENV/bin/python`: an environment with mlflow, scikit-learn, pandas and
uvicorn. Peers are measured where an environment of theirs is named (--litserve, --bentoml: with scikit-learn and
pandas); `mlflow models serve` is that of --python. All servers run at the same time, and are asked in turns; told is
the median over the rounds of the ratio within a round.
"""

from __future__ import annotations

import argparse
import json
import os
import selectors
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

COLUMNS = 10
RAW = "raw ASGI"
US = "mlproj"
PATIENCE = 180  # seconds
# (model, rows, connections) → the least ratio to the bare application, None: told only.
TARGETS: Mapping[tuple[str, int, int], float | None] = {
    ("linear", 1, 16): 1.0,
    ("linear", 1, 1): 0.6,
    ("linear", 100, 16): 0.9,
    ("linear", 100, 1): None,
    ("forest", 1, 16): 3.0,
    ("forest", 1, 1): None,
    ("forest", 100, 16): None,
}
READY_TARGET = 1.2

_MAKE = """
import sys, joblib, mlflow, numpy, pandas
from mlflow.models import infer_signature
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression
random = numpy.random.default_rng(0)
frame = pandas.DataFrame(random.normal(size=(500, 10)), columns=[f"x{i}" for i in range(10)])
target = frame.sum(axis=1) + random.normal(size=500)
for name, model in (("linear", LinearRegression()), ("forest", RandomForestRegressor(100, random_state=0))):
    model.fit(frame, target)
    signature = infer_signature(frame, model.predict(frame))
    mlflow.sklearn.save_model(model, f"{sys.argv[1]}/{name}", signature=signature, input_example=frame[:1],
                              serialization_format="cloudpickle")
    joblib.dump(model, f"{sys.argv[1]}/{name}.joblib")
"""
_RAW = """
import json, sys, joblib, pandas, uvicorn
model = joblib.load(sys.argv[1])

async def application(scope, receive, send):
    if scope["type"] != "http":
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    table = json.loads(body)["dataframe_split"]
    frame = pandas.DataFrame(table["data"], columns=table["columns"])
    answer = json.dumps({"predictions": model.predict(frame).tolist()}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})

uvicorn.run(application, port=int(sys.argv[2]), log_level="error", access_log=False, lifespan="off")
"""
_LITSERVE = """
import sys, joblib, litserve, pandas

class Api(litserve.LitAPI):
    def setup(self, device):
        self.model = joblib.load(sys.argv[1])

    def decode_request(self, request):
        table = request["dataframe_split"]
        return pandas.DataFrame(table["data"], columns=table["columns"])

    def predict(self, frame):
        return self.model.predict(frame)

    def encode_response(self, output):
        return {"predictions": output.tolist()}

if __name__ == "__main__":
    server = litserve.LitServer(Api(api_path="/invocations"), accelerator="cpu")
    server.run(host="127.0.0.1", port=int(sys.argv[2]), generate_client_file=False, log_level="error")
"""
_BENTOML = """
import os, bentoml, joblib, pandas

@bentoml.service(traffic={"timeout": 60}, logging={"access": {"enabled": False}})
class Service:
    def __init__(self):
        self.model = joblib.load(os.environ["MODEL"])

    @bentoml.api(route="/invocations")
    def invocations(self, dataframe_split: dict) -> dict:
        frame = pandas.DataFrame(dataframe_split["data"], columns=dataframe_split["columns"])
        return {"predictions": self.model.predict(frame).tolist()}
"""
_LOAD = "import sys, joblib, pandas\njoblib.load(sys.argv[1])\n"


@dataclass(frozen=True)
class Server:
    """One contender with one model."""

    name: str
    argv: Sequence[str | Path]
    env: Mapping[str, str]
    port: int


@dataclass(frozen=True)
class Measured:
    """Requests per second, and seconds of processor time that the server took for one."""

    rate: float
    cpu: float


def request(rows: int) -> bytes:
    """The bytes of one request."""
    columns = [f"x{number}" for number in range(COLUMNS)]
    data = [[row + number / 8 for number in range(COLUMNS)] for row in range(rows)]
    body = json.dumps({"dataframe_split": {"columns": columns, "data": data}}).encode()
    head = "POST /invocations HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


class Connection:
    """Asks again as soon as it is answered."""

    def __init__(self, port: int, asked: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.asked = asked
        self.answer = b""

    def ask(self) -> None:
        self.answer = b""
        self.socket.sendall(self.asked)

    def is_answered(self) -> bool:
        """Reads what is there; whether the answer is whole. RuntimeError if it is none."""
        self.answer += self.socket.recv(1 << 16)
        head, end, body = self.answer.partition(b"\r\n\r\n")
        if not end:
            return False
        length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(self.answer[:500].decode())
        return len(body) >= int(length) if length else body.endswith(b"0\r\n\r\n")


def requests_in(port: int, asked: bytes, connections: int, seconds: float) -> float:
    """How many requests a second are answered."""
    selector = selectors.DefaultSelector()
    opened = [Connection(port, asked) for _ in range(connections)]
    for one in opened:
        selector.register(one.socket, selectors.EVENT_READ, one)
        one.ask()
    count, begin = 0, time.perf_counter()
    while (now := time.perf_counter()) - begin < seconds:
        for key, _ in selector.select(PATIENCE):
            if key.data.is_answered():
                count += 1
                key.data.ask()
    for one in opened:
        one.socket.close()
    return count / (now - begin)


def measure(server: Server, process: psutil.Process, asked: bytes, connections: int, seconds: float) -> Measured:
    """One round."""
    before = cpu_of(process)
    begin = time.perf_counter()
    rate = requests_in(server.port, asked, connections, seconds)
    elapsed = time.perf_counter() - begin
    return Measured(rate, (cpu_of(process) - before) / max(1, rate * elapsed))


def cpu_of(process: psutil.Process) -> float:
    total = 0.0
    for one in (process, *process.children(recursive=True)):
        with suppress(psutil.Error):
            times = one.cpu_times()
            total += times.user + times.system
    return total


@contextmanager
def running(server: Server) -> Iterator[tuple[psutil.Process, float]]:
    """The process of a server that answers, and the seconds that took."""
    begin = time.perf_counter()
    process = subprocess.Popen(
        [str(word) for word in server.argv],
        env=server.env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while not answers(server.port):
            if process.poll() is not None or time.perf_counter() - begin > PATIENCE:
                raise RuntimeError(f"{server.name} does not start: {' '.join(map(str, server.argv))}")
            time.sleep(0.01)
        yield psutil.Process(process.pid), time.perf_counter() - begin
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def answers(port: int) -> bool:
    """Whether a row is predicted by now."""
    try:
        one = Connection(port, request(1))
        with one.socket:
            one.ask()
            while not one.is_answered():
                if not one.answer:
                    return False
        return True
    except (OSError, RuntimeError):
        return False


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def contenders(options: argparse.Namespace, folder: Path, model: str) -> Iterator[Server]:
    path = os.pathsep.join([str(options.python.parent), os.environ["PATH"]])
    environ = {
        **os.environ,
        "PATH": path,
        "MLPROJ_HOME": str(folder / "home"),
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/m",
    }
    dumped = folder / f"{model}.joblib"
    port = free_port()
    yield Server(RAW, [options.python, "-c", _RAW, dumped, str(port)], environ, port)
    port = free_port()
    us = [
        sys.executable,
        "-m",
        "mlproj",
        "models",
        "serve",
        folder / model,
        "--env-manager",
        "local",
        "--port",
        str(port),
    ]
    yield Server(US, us, environ, port)
    port = free_port()
    served = [options.python, "-m", "mlflow", "models", "serve", "-m", folder / model, "--env-manager", "local"]
    if not options.without_mlflow:
        yield Server("mlflow", [*served, "-p", str(port)], environ, port)
    for name, python in (("litserve", options.litserve), ("bentoml", options.bentoml)):
        if python is not None:
            yield peer(name, python, folder, dumped)


def peer(name: str, python: Path, folder: Path, dumped: Path) -> Server:
    port = free_port()
    environ = {**os.environ, "MODEL": str(dumped), "BENTOML_DO_NOT_TRACK": "true"}
    script = folder / f"{name}_service.py"
    script.write_text(_LITSERVE if name == "litserve" else _BENTOML)
    if name == "litserve":
        return Server(name, [python, script, dumped, str(port)], environ, port)
    command = [python, "-m", "bentoml", "serve", f"{script.stem}:Service", "--working-dir", folder, "--port", str(port)]
    return Server(name, command, environ, port)


def loading_alone(options: argparse.Namespace, dumped: Path) -> float:
    """Seconds for importing the model's libraries and loading it."""
    begin = time.perf_counter()
    subprocess.run([options.python, "-c", _LOAD, dumped], check=True)
    return time.perf_counter() - begin


def compare(options: argparse.Namespace, folder: Path, model: str) -> bool:
    """Measure everything with one model; whether the targets are reached."""
    reached = True
    with ExitStack() as stack:
        servers = [(one, stack.enter_context(running(one))[0]) for one in contenders(options, folder, model)]
        for (of_model, rows, connections), target in TARGETS.items():
            if of_model != model:
                continue
            asked = request(rows)
            results: dict[str, list[Measured]] = {server.name: [] for server, _ in servers}
            for number in range(options.rounds + 1):
                for server, process in servers:
                    found = measure(server, process, asked, connections, options.seconds)
                    if number:  # the first round warms
                        results[server.name].append(found)
            reached &= tell(f"{model}, {rows} rows, {connections} connections", results, target)
    return reached


def tell(what: str, results: Mapping[str, list[Measured]], target: float | None) -> bool:
    print(f"\n{what}" + (f" (target: {US} at least {target:g} x {RAW})" if target else ""))
    reached = True
    for name, found in results.items():
        ratios = [one.rate / other.rate for one, other in zip(found, results[RAW], strict=True)]
        ratio = statistics.median(ratios)
        cpu = statistics.median(one.cpu for one in found)
        missed = name == US and target is not None and ratio < target
        reached &= not missed
        rate = statistics.median(one.rate for one in found)
        note = "  MISSED" if missed else ""
        print(
            f"  {name:10} {ratio:6.2f} x  {rate:8.0f} requests/s  {cpu * 1e6:7.0f} µs of processor time each{note}",
            flush=True,
        )
    return reached


def readiness(options: argparse.Namespace, folder: Path) -> bool:
    """From the command to the first answer, over importing and loading alone."""
    ratios: dict[str, list[float]] = {}
    loading_alone(options, folder / "linear.joblib")  # from the disk, the first time
    for _ in range(options.rounds):
        alone = loading_alone(options, folder / "linear.joblib")
        for server in contenders(options, folder, "linear"):
            with running(server) as (_, seconds):
                ratios.setdefault(server.name, []).append(seconds / alone)
    print(f"\nready, over importing and loading the model alone (target: {US} at most {READY_TARGET})")
    for name, found in ratios.items():
        print(f"  {name:10} {statistics.median(found):6.2f} x")
    return statistics.median(ratios[US]) <= READY_TARGET


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", type=Path, required=True, help="with mlflow, scikit-learn, pandas and uvicorn")
    parser.add_argument("--litserve", type=Path, help="a Python with LitServe, scikit-learn and pandas")
    parser.add_argument("--bentoml", type=Path, help="a Python with BentoML, scikit-learn and pandas")
    parser.add_argument("--without-mlflow", action="store_true", help="leave mlflow models serve out")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.5, help="of one measurement")
    parser.add_argument("--only", choices=["linear", "forest", "ready"])
    options = parser.parse_args()
    for name in ("litserve", "bentoml"):
        if getattr(options, name) is None:
            print(f"{name} is left out: name its Python with --{name}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([options.python, "-c", _MAKE, folder], check=True, stderr=subprocess.DEVNULL)
        reached = [compare(options, folder, model) for model in ("linear", "forest") if options.only in (None, model)]
        if options.only in (None, "ready"):
            reached.append(readiness(options, folder))
    sys.exit(0 if all(reached) else 1)


if __name__ == "__main__":
    main()
