"""Why a program failed, in one sentence: what its last output lines say, and whose fault that is.

Each cause is a row: what it looks like, what it means, and who has to mend it. Of several that fit, the one in the last
line counts, and of one line the row that comes first.
"""

from __future__ import annotations

import re

from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.redaction import redact

PROJECT, MACHINE, NETWORK = "the project's fault", "this machine's fault", "the network's fault"
ACCOUNT = "an account is missing"


@dataclass(frozen=True)
class Cause:
    """What a failure looks like (groups are put into ``sentence``), and whose it is. ``codes``: with these exit codes
    only."""

    pattern: str
    sentence: str
    whose: str
    codes: tuple[int, ...] = ()


_Q = r"['\"‘’`]?"
CAUSES = (
    # The machine's
    Cause(
        r"(?:CUDA|GPU|cuda runtime|HIP) out of memory|OutOfMemoryError: CUDA",
        "the graphics card has too little memory",
        MACHINE,
    ),
    Cause(r"^(?:\w+\.)*_?(?:Array)?MemoryError\b|Cannot allocate memory|std::bad_alloc", "the memory ran out", MACHINE),
    Cause(
        r"Torch not compiled with CUDA|No CUDA GPUs are available|Found no NVIDIA driver|no CUDA-capable device|CUDA"
        r" driver version is "
        r"insufficient|libcuda(?:rt)?[\w.]*: cannot open shared object|Could not find a CUDA|GPU is not available",
        "it needs a graphics card with CUDA, and there is none that it can use",
        MACHINE,
    ),
    Cause(r"No space left on device|Disk quota exceeded", "the disk is full", MACHINE),
    Cause(
        r"(?:OSError|ImportError): (\S+\.so[\w.]*): cannot open shared object",
        "the system library {0} is not installed",
        MACHINE,
    ),
    Cause(
        r"[Uu]nable to locate a Java Runtime|JAVA_HOME is not set|java: (?:command )?not found|Java gateway process"
        r" exited",
        "it needs Java, which is not installed",
        MACHINE,
    ),
    Cause(
        r"Rscript: (?:command )?not found|R_HOME.*not (?:set|found)|R is not installed",
        "it needs R, which is not installed",
        MACHINE,
    ),
    Cause(
        r"Resource (\w+) not found\.\s+Please use the NLTK Downloader",
        "it needs NLTK's data {0}, which is not here: python -m nltk.downloader {0}",
        MACHINE,
    ),
    Cause(
        r"Can't find model '([\w.-]+)'\. It doesn't seem to be a Python package",
        "it needs spaCy's model {0}, which no package that it declares brings (python -m spacy info {0} --url)",
        PROJECT,
    ),
    Cause(
        r"(?:docker|podman): (?:command )?not found|Cannot connect to the Docker daemon"
        r"|Error while fetching server API version",
        "it needs a container engine, and none answers",
        MACHINE,
    ),
    Cause(
        r"failed to execute \['?dot|ExecutableNotFound",
        "it needs a program that is not installed, such as Graphviz's dot",
        MACHINE,
    ),
    Cause(
        r"(?:bash|sh): (?:line \d+: )?(\S+): (?:command )?not found",
        "it calls {0}, which is not installed",
        MACHINE,
        (127,),
    ),
    Cause(r"(?<!\S)(\S+): command not found", "it calls {0}, which is not installed", MACHINE),
    Cause(r"Address already in use", "the network port that it wants is taken by another program", MACHINE),
    Cause(r"Too many open files", "it opens more files than the system allows (ulimit -n)", MACHINE),
    # The network's
    Cause(
        r"Temporary failure in name resolution|Name or service not known|nodename nor servname|getaddrinfo"
        r" failed|NameResolutionError|no such host\b|Could not resolve host",
        "a name in the network could not be looked up",
        NETWORK,
    ),
    Cause(r"Network is unreachable|No route to host", "a host in the network could not be reached", NETWORK),
    Cause(r"CERTIFICATE_VERIFY_FAILED", "the certificate of a server could not be verified", NETWORK),
    Cause(r"(?:ReadTimeout|ConnectTimeout|timed out)\b", "a server did not answer in time", NETWORK),
    # An account's
    Cause(
        r"api_key not configured|wandb: ERROR|wandb login",
        "it records to Weights & Biases: export WANDB_API_KEY=…, or WANDB_MODE=offline",
        ACCOUNT,
    ),
    Cause(
        r"Could not find kaggle\.json|KAGGLE_USERNAME",
        "it reads from Kaggle: export KAGGLE_USERNAME=… KAGGLE_KEY=…",
        ACCOUNT,
    ),
    Cause(
        r"NoCredentialsError|Unable to locate credentials|InvalidAccessKeyId",
        "it needs credentials of Amazon's cloud: export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…",
        ACCOUNT,
    ),
    Cause(
        r"DefaultCredentialsError|could not automatically determine credentials",
        "it needs credentials of Google's cloud: export GOOGLE_APPLICATION_CREDENTIALS=…",
        ACCOUNT,
    ),
    Cause(
        r"GatedRepoError|Invalid user token|huggingface-cli login|HF_TOKEN",
        "it needs a token of Hugging Face: export HF_TOKEN=…",
        ACCOUNT,
    ),
    Cause(
        r"dagshub.*(?:401|403|[Uu]nauthorized|OAuth)",
        "it needs an account of DagsHub: export DAGSHUB_USER_TOKEN=…",
        ACCOUNT,
    ),
    Cause(
        r"KeyError: '([A-Z][A-Z0-9_]*(?:KEY|TOKEN|SECRET|PASSWORD|USER(?:NAME)?|URI|URL))'",
        "it needs the variable {0}: export {0}=…",
        ACCOUNT,
    ),
    Cause(
        r"^[\w.]*(?:Error|Exception): .*?\b([A-Z][A-Z0-9_]*_(?:API_KEY|ACCESS_KEY|SECRET(?:_KEY)?|TOKEN|PASSWORD))\b.*",
        "it needs the variable {0}: export {0}=…",
        ACCOUNT,
    ),
    Cause(
        r"(?:os\.py|<frozen os>)\", line \d+, in __getitem__\n(?:[ \t].*\n)*KeyError: '(\w+)'",
        "it needs the variable {0}, which is not set here: export {0}=…",
        MACHINE,
    ),
    Cause(
        r"failed to pull data from the cloud|Unable to find DVC|no remote specified",
        "it gets its data by DVC, from a remote that gives it to nobody here",
        ACCOUNT,
    ),
    Cause(
        r"\b(?:401 Client Error|403 Client Error|status(?: code)? 40[13]\b|HTTP Error 40[13])",
        "a server wants credentials that were not given, or refuses them",
        ACCOUNT,
    ),
    # The project's
    Cause(
        r"(?:HTTPConnectionPool\(host='([\w.-]+)', port=(\d+)\).*(?:Max retries|refused))",
        "it talks to a server at {0}:{1}, and nothing listens there",
        PROJECT,
    ),
    Cause(
        r"connection to server at \"([\w.:-]+)\"[^\n]*, port (\d+) failed: FATAL:\s+"
        r"(?:password|role|no pg_hba|Ident|Peer)",
        "the PostgreSQL server at {0}:{1} does not let it in",
        ACCOUNT,
    ),
    Cause(
        r"connection to server at \"([\w.:-]+)\"[^\n]*, port (\d+) failed(?!: FATAL)",
        "it talks to a PostgreSQL server at {0}:{1}, which does not answer",
        PROJECT,
    ),
    Cause(
        r"Can't connect to MySQL server on " + _Q + r"([\w.:-]+)",
        "it talks to a MySQL server at {0}, which does not answer",
        PROJECT,
    ),
    Cause(r"ConnectionRefusedError|Connection refused", "it talks to a server that is not running", PROJECT),
    Cause(
        r"FileNotFoundError: .*No such file or directory: " + _Q + r"([^'\"\n]+)",
        "it reads {0}, which is not there",
        PROJECT,
    ),
    Cause(r"(?:OSError|FileNotFoundError): (\S+) not found\.?$", "it reads {0}, which is not there", PROJECT),
    Cause(
        r"sqlite3\.OperationalError\W+unable to open database file",
        "it opens a SQLite database in a folder that is not there",
        PROJECT,
    ),
    Cause(
        r"NotADirectoryError: .*Not a directory: " + _Q + r"([^'\"\n]+)",
        "it uses {0}, and what is there above it is a file",
        PROJECT,
    ),
    Cause(r"cannot copy tree '([^'\n]+)': not a directory", "it uses the folder {0}, which is not there", PROJECT),
    Cause(r"IsADirectoryError: .*Is a directory: " + _Q + r"([^'\"\n]+)", "it reads {0}, which is a folder", PROJECT),
    Cause(r"can't open file " + _Q + r"([^'\"\n:]+)" + _Q + r":", "its command runs {0}, which is not there", PROJECT),
    Cause(r"cannot open file '([^'\n]+)': No such file", "it reads {0}, which is not there", PROJECT),
    Cause(
        r"(?:bash|sh): (?:line \d+: )?(\S+): No such file or directory",
        "its command runs {0}, which is not there",
        PROJECT,
    ),
    Cause(r"(?<!\S)(\S+): No such file or directory", "it uses {0}, which is not there", PROJECT, (1, 2)),
    Cause(
        r"(?:bash|sh): (?:line \d+: )?(\S+): Permission denied",
        "{0} may not be executed: git update-index --chmod=+x {0}",
        PROJECT,
        (126,),
    ),
    Cause(r"PermissionError: .*Permission denied: '([^'\n]+)'", "it may not use {0}", MACHINE),
    Cause(
        r"error: unrecognized arguments: ([^\n]+)",
        "its script does not know the arguments that its command gives: {0}",
        PROJECT,
        (2,),
    ),
    Cause(
        r"error: the following arguments are required: ([^\n]+)",
        "its script wants arguments that its command does not give: {0}",
        PROJECT,
        (2,),
    ),
    Cause(r"error: argument ([^\n:]+): ([^\n]+)", "its script refuses the argument {0}: {1}", PROJECT, (2,)),
    Cause(
        r"Error: No such option:? ([^\n]+?)(?: Did you mean.*)?$",
        "its script does not know the option {0}",
        PROJECT,
        (2,),
    ),
    Cause(r"^\s*SyntaxError: ([^\n]+)", "its code is not for this version of Python, or wrong: {0}", PROJECT),
    Cause(
        r"ImportError: cannot import name '([\w.]+)' from '([\w.]+)'",
        "the version of {1} that is installed has no {0}: pin the one that it was written for",
        PROJECT,
    ),
    Cause(
        r"AttributeError: module '([\w.]+)' has no attribute '(\w+)'",
        "the version of {0} that is installed has no {1}: pin the one that it was written for",
        PROJECT,
    ),
    Cause(
        r"TypeError: (\w[\w.]*\(\)) got an unexpected keyword argument '(\w+)'",
        "{0} takes no {1} in the version that is installed: pin the one that it was written for",
        PROJECT,
    ),
    Cause(
        r"InconsistentVersionWarning|unsupported pickle protocol|incompatible dtype from the pickle|Can't get attribute"
        r" '([^']+)' on",
        "a model or data file was made by other versions of its packages (pickle): pin those, or make the file anew",
        PROJECT,
    ),
    Cause(
        r"numpy\.dtype size changed|_ARRAY_API not found|compiled using NumPy 1",
        "packages were built for another NumPy: pin numpy<2",
        PROJECT,
    ),
    Cause(
        r"Detected out-of-date database schema|Can't locate revision identified by",
        "an MLflow database beside it was made by another version of MLflow",
        PROJECT,
    ),
    Cause(
        r"Cannot start run with ID \w+|Run '?\w{32}'? not found",
        "it continues a run that is not where it records",
        PROJECT,
    ),
    Cause(
        r"Registered [Mm]odel with name=(\S+) not found|RESOURCE_DOES_NOT_EXIST: .*[Mm]odel",
        "it loads a registered model that is not there: register it first",
        PROJECT,
    ),
)

_BY_CODE = {
    126: ("its command names something that cannot be executed", PROJECT),
    127: ("its command calls a program that is not installed", MACHINE),
    134: ("it ended itself (abort)", PROJECT),
    137: ("it was killed; the system does that when memory runs out", MACHINE),
    139: ("it crashed (segmentation fault), as compiled packages do that do not fit together", PROJECT),
}


def explain(output: str, exit_code: int | None = None) -> str | None:
    """One sentence on why the program failed that said *output*, and whose fault it is; None when that tells nothing
    known."""
    fitting = [
        (output.count("\n", 0, found[-1].end()), -index, cause, found[-1])
        for index, cause in enumerate(CAUSES)
        if (not cause.codes or exit_code in cause.codes)
        and (found := list(re.finditer(cause.pattern, output, re.MULTILINE)))
    ]
    if not fitting:
        return None
    _line, _index, cause, match = max(fitting, key=lambda one: one[:2])
    return _sentence(cause.sentence.format(*(_short(group) for group in match.groups())), cause.whose)


def of_exit_code(exit_code: int | None) -> str | None:
    """What an exit code alone says, None for one that says nothing."""
    known = _BY_CODE.get(exit_code or 0)
    return _sentence(*known) if known else None


def _sentence(what: str, whose: str) -> str:
    return f"{what} ({whose})"


def _short(text: str | None) -> str:
    clean = redact(text or "").strip()
    return clean if len(clean) <= 120 else f"{clean[:119]}…"
