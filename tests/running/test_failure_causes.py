# what programs print has no line breaks
"""The sentence that a failed run ends with, for what programs really print."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from mlproj.run_folder import output_log
from mlproj.running import failure_causes

TRACE = 'Traceback (most recent call last):\n  File "train.py", line 7, in <module>\n    main()\n'
CASES = [
    (1, "RuntimeError: CUDA error: out of memory\ntorch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 20 MiB", "graphics card has too little memory (this machine's fault)"),
    (1, "numpy.core._exceptions._ArrayMemoryError: Unable to allocate 64. GiB for an array", "the memory ran out (this machine's"),
    (1, "AssertionError: Torch not compiled with CUDA enabled", "needs a graphics card with CUDA"),
    (1, "OSError: [Errno 28] No space left on device", "the disk is full (this machine's"),
    (1, "OSError: libgomp.so.1: cannot open shared object file: No such file or directory", "the system library libgomp.so.1 is not installed"),
    (1, "JAVA_HOME is not set\npyspark.errors.PySparkRuntimeError: [JAVA_GATEWAY_EXITED] Java gateway process exited before sending its port number.", "needs Java"),
    (127, "bash: line 1: Rscript: command not found", "needs R, which is not installed"),
    (127, "bash: line 1: dvc: command not found", "calls dvc, which is not installed (this machine's fault)"),
    (127, "", "calls a program that is not installed"),
    (126, "bash: line 1: ./run.sh: Permission denied", "./run.sh may not be executed: git update-index --chmod=+x ./run.sh (the project's fault)"),
    (126, "", "cannot be executed"),
    (137, "bash: line 1:  4711 Killed  python train.py", "when memory runs out (this machine's"),
    (139, "Segmentation fault (core dumped)", "compiled packages"),
    (1, "OSError: [Errno 98] Address already in use", "port that it wants is taken"),
    (1, "urllib.error.URLError: <urlopen error [Errno -3] Temporary failure in name resolution>", "could not be looked up (the network's fault)"),
    (1, "requests.exceptions.ReadTimeout: HTTPSConnectionPool(host='x.org', port=443): Read timed out. (read timeout=10)", "did not answer in time (the network's"),
    (1, "wandb.errors.errors.UsageError: api_key not configured (no-tty). call wandb.login(key=[your_api_key])", "Weights & Biases: export WANDB_API_KEY=…"),
    (1, "OSError: Could not find kaggle.json. Make sure it's located in /root/.kaggle.", "export KAGGLE_USERNAME=…"),
    (1, "botocore.exceptions.NoCredentialsError: Unable to locate credentials", "Amazon's cloud"),
    (1, "google.auth.exceptions.DefaultCredentialsError: Your default credentials were not found.", "Google's cloud"),
    (1, "huggingface_hub.errors.GatedRepoError: 401 Client Error.", "HF_TOKEN"),
    (1, "KeyError: 'OPENAI_API_KEY'", "needs the variable OPENAI_API_KEY: export OPENAI_API_KEY=… (an account is missing"),
    (1, '  File "/x/os.py", line 675, in __getitem__\n    raise KeyError(key) from None\nKeyError: \'STAGE\'', "needs the variable STAGE, which is not set here: export STAGE=… (this machine's"),
    (1, '  File "<frozen os>", line 679, in __getitem__\nKeyError: \'HF_TOKEN\'', "HF_TOKEN=… (an account is missing)"),
    (1, "requests.exceptions.HTTPError: 403 Client Error: Forbidden for url: https://x.org/a", "wants credentials"),
    (1, "mlflow.exceptions.MlflowException: API request to http://localhost:5000/api/2.0/mlflow/experiments/get-by-name failed with exception HTTPConnectionPool(host='localhost', port=5000): Max retries exceeded with url: /api", "a server at localhost:5000, and nothing listens there (the project's"),
    (1, "ConnectionRefusedError: [Errno 111] Connection refused", "a server that is not running"),
    (1, "FileNotFoundError: [Errno 2] No such file or directory: 'data/wine.csv'", "it reads data/wine.csv, which is not there (the project's fault)"),
    (1, "openai.OpenAIError: The api_key client option must be set either by passing api_key to the client or by setting the OPENAI_API_KEY environment variable", "it needs the variable OPENAI_API_KEY: export OPENAI_API_KEY=… (an account is missing)"),
    (1, "distutils.errors.DistutilsFileError: cannot copy tree 'log': not a directory\nmlflow.exceptions.ExecutionException: Run (ID 'x') failed", "it uses the folder log, which is not there (the project's fault)"),
    (1, "NotADirectoryError: [Errno 20] Not a directory: '/p/MLproject/MLproject/data.csv'", "it uses /p/MLproject/MLproject/data.csv, and what is there above it is a file (the project's fault)"),
    (1, "IsADirectoryError: [Errno 21] Is a directory: 'data/wine'", "it reads data/wine, which is a folder (the project's fault)"),
    (2, "python: can't open file '/p/main.py': [Errno 2] No such file or directory", "its command runs /p/main.py, which is not there"),
    (1, "PermissionError: [Errno 13] Permission denied: '/data/out'", "it may not use /data/out (this machine's"),
    (2, "usage: train.py [-h]\ntrain.py: error: unrecognized arguments: --l1_ratio 0.5", "arguments that its command gives: --l1_ratio 0.5 (the project's"),
    (2, "train.py: error: the following arguments are required: --data", "does not give: --data"),
    (2, "train.py: error: argument --alpha: invalid float value: 'x'", "refuses the argument --alpha: invalid float value"),
    (2, "Error: No such option: --alpha", "does not know the option --alpha"),
    (1, '  File "a.py", line 1\n    print "x"\nSyntaxError: Missing parentheses in call to \'print\'', "not for this version of Python"),
    (1, "ImportError: cannot import name 'soft_unicode' from 'markupsafe' (/x/markupsafe/__init__.py)", "version of markupsafe that is installed has no soft_unicode"),
    (1, "AttributeError: module 'mlflow' has no attribute 'set_experiment_tags'", "version of mlflow that is installed has no set_experiment_tags"),
    (1, "TypeError: log_model() got an unexpected keyword argument 'name'", "log_model() takes no name in the version"),
    (1, "ValueError: unsupported pickle protocol: 5", "made by other versions of its packages"),
    (1, "ValueError: numpy.dtype size changed, may indicate binary incompatibility.", "pin numpy<2"),
    (1, "mlflow.exceptions.MlflowException: Detected out-of-date database schema (found version a, but expected b).", "another version of MLflow"),
    (1, "mlflow.exceptions.RestException: RESOURCE_DOES_NOT_EXIST: Registered Model with name=wine not found", "registered model that is not there"),
    (1, "LookupError: \n****\n  Resource stopwords not found.\n  Please use the NLTK Downloader to obtain the resource:\n\n  >>> import nltk\n  >>> nltk.download('stopwords')\n", "needs NLTK's data stopwords, which is not here: python -m nltk.downloader stopwords (this machine's"),
    (1, "OSError: [E050] Can't find model 'en_core_web_sm'. It doesn't seem to be a Python package or a valid path to a data directory.", "needs spaCy's model en_core_web_sm"),
    (1, 'docker.errors.APIError: 500 Server Error: Internal Server Error ("dial tcp: lookup registry-1.docker.io on 10.0.0.2:53: no such host")', "could not be looked up (the network's fault)"),
    (1, "docker.errors.DockerException: Error while fetching server API version: ('Connection aborted.', FileNotFoundError(2, 'No such file or directory'))", "needs a container engine"),
    (255, "ERROR: failed to pull data from the cloud - Checkout failed for following targets:\ndata/raw.csv", "gets its data by DVC"),
    (1, 'psycopg2.OperationalError: connection to server at "localhost" (::1), port 5432 failed: Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?', "a PostgreSQL server at localhost:5432, which does not answer"),
    (1, 'psycopg2.OperationalError: connection to server at "db" (10.0.0.2), port 5432 failed: FATAL:  password authentication failed for user "me"', "server at db:5432 does not let it in (an account is missing)"),
    (1, "pymysql.err.OperationalError: (2003, \"Can't connect to MySQL server on 'db' ([Errno 111] Connection refused)\")", "a MySQL server at db"),
    (1, "FileNotFoundError: data/wine.csv not found.", "it reads data/wine.csv, which is not there"),
    (1, "sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) unable to open database file", "SQLite database in a folder that is not there (the project's"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "output", "said"), CASES, ids=range(len(CASES)))
def test_a_failure_ends_in_one_sentence_that_says_whose_it_is(code: int, output: str, said: str) -> None:
    sentence = failure_causes.explain(f"epoch 1\n{TRACE}{output}\n", code) or failure_causes.of_exit_code(code)

    assert sentence is not None
    assert said in sentence
    assert sentence.endswith((" fault)", "(an account is missing)"))
    assert "\n" not in sentence


def test_the_last_cause_counts() -> None:
    output = (
        "warning: Connection refused, trying again\nFileNotFoundError: [Errno 2] No such file or directory: 'a.csv'\n"
    )

    assert failure_causes.explain(output, 1) == "it reads a.csv, which is not there (the project's fault)"


def test_an_unknown_failure_has_no_sentence_and_a_secret_stays_out() -> None:
    assert failure_causes.explain("ValueError: x\n", 1) is None
    hidden = failure_causes.explain(
        "FileNotFoundError: [Errno 2] No such file or directory: 'https://u:hunter22@host/a'", 1
    )
    assert hidden is not None and "hunter22" not in hidden


@pytest.mark.parametrize("piece", ["x", "dagshub", "x ", "A_"])
def test_a_long_last_line_keeps_no_failed_run_from_ending(piece: str, tmp_path: Path) -> None:
    (tmp_path / output_log.LOG).write_text(f"FileNotFoundError: No such file or directory: 'a'\n{piece * 100_000}\n")
    begin = time.process_time()
    said = failure_causes.explain(output_log.last_lines(tmp_path, 40), 1)
    assert said and "it reads a, which is not there" in said
    assert time.process_time() - begin < 10  # it took hours
