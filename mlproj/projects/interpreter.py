"""Programs whose documentation says that they run an argument, or their input, as code."""

from __future__ import annotations

from mlproj.foundation.dataclass import dataclass


@dataclass(frozen=True)
class Interpreter:
    """How a program is given code; its other arguments are described as far as finding the code needs it.

    ``code``: letters of options before code, ``long``: other options before code; ``ends``: nothing after such an
    option is one. ``permutes``: options may follow operands. ``values``: letters of options before something else,
    ``attached``: letters that take the rest of their word, ``takes``: other options and how many words they take,
    ``module``: the letter before a module. ``operands``: how many operands are code if no option gave any, from the one
    at index ``first`` on; ``every``: all are. ``reads``: it runs its input when it is given neither code nor a script.
    ``anywhere``: its name is no word that is likely to mean something else among another program's arguments.
    """

    code: str = ""
    long: tuple[str, ...] = ()
    ends: bool = False
    permutes: bool = False
    values: str = ""
    attached: str = ""
    takes: tuple[tuple[str, int], ...] = ()
    module: str = ""
    operands: int = 0
    first: int = 0
    every: bool = False
    reads: bool = False
    anywhere: bool = False
    is_shell: bool = False
    is_builtin: bool = False


_SHELL = Interpreter(
    code="c",
    values="oO",
    long=("--command",),
    takes=(("--rcfile", 1), ("--init-file", 1)),
    reads=True,
    anywhere=True,
    is_shell=True,
)
_PYTHON = Interpreter(code="c", values="WXQ", module="m", ends=True, reads=True, anywhere=True)
_SCRIPTING = Interpreter(
    code="eE", long=("--eval", "--execute", "--print"), values="r", attached="C", reads=True, anywhere=True
)
_JAVASCRIPT = Interpreter(code="ep", long=("--eval", "--print"), values="r", reads=True, anywhere=True)
_R = Interpreter(code="e", long=("--eval",), values="fg", reads=True, anywhere=True)
_AWK = Interpreter(code="e", long=("--source",), values="Fvf", operands=1)
_SED = Interpreter(code="e", long=("--expression",), values="lf", attached="i", operands=1, permutes=True)
_JQ = Interpreter(
    values="fL",
    takes=(("--arg", 2), ("--argjson", 2), ("--slurpfile", 2), ("--rawfile", 2), ("--indent", 1)),
    operands=1,
)
_SQL = Interpreter(code="ceqQ", long=("--command", "--execute", "--query"), values="hUudPD", reads=True, permutes=True)
_SQL_FILE = Interpreter(long=("-cmd", "-c"), takes=(("-init", 1), ("-separator", 1)), operands=99, first=1, reads=True)
_BY_INPUT = Interpreter(code="ec", reads=True)
_BY_COMMAND = Interpreter(code="c", long=("--command", "--session-command", "--wrap"), permutes=True)
_EVERY = Interpreter(every=True)
_EVERY_OR_INPUT = Interpreter(every=True, reads=True)
_BUILTIN = Interpreter(every=True, is_builtin=True)
_SOURCE = Interpreter(reads=True, is_builtin=True)

_KINDS = (
    ("sh bash rbash dash ash zsh ksh mksh oksh pdksh yash fish csh tcsh xonsh nu elvish", _SHELL),
    ("python pythonw pypy ipython micropython jython sage", _PYTHON),
    ("perl", Interpreter(code="eEmM", attached="iIx0CDVdF", reads=True, anywhere=True)),
    ("ruby jruby lua luajit luau julia groovy scala raku elixir erl ghc", _SCRIPTING),
    ("node nodejs bun", _JAVASCRIPT),
    ("Rscript R Rterm littler", _R),
    ("php", Interpreter(code="rBRE", long=("--run",), values="dcf", reads=True, anywhere=True)),
    ("octave", Interpreter(long=("--eval",), reads=True, anywhere=True)),
    ("matlab", Interpreter(long=("-batch", "-r"), anywhere=True)),
    ("wolframscript", Interpreter(long=("-code", "-c"), anywhere=True)),
    ("gnuplot", Interpreter(code="e", reads=True, anywhere=True)),
    ("pwsh powershell", Interpreter(every=True, reads=True, anywhere=True)),
    ("awk gawk mawk nawk", _AWK),
    ("sed gsed", _SED),
    ("jq yq", _JQ),
    ("psql mysql mariadb hive beeline spark-sql spark-shell", _SQL),
    ("sqlite sqlite3 duckdb", _SQL_FILE),
    ("bc dc at batch crontab tclsh expect m4", _BY_INPUT),
    ("su runuser script flock sbatch", _BY_COMMAND),
    ("ssh dbclient mosh pdsh parallel", _EVERY_OR_INPUT),
    ("watch tmux screen make gmake just entr bsub qsub ansible xterm vim emacs gdb", _EVERY),
    ("eval trap let alias bind complete compgen fc", _BUILTIN),
    ("source .", _SOURCE),
)
INTERPRETERS = {name: how for names, how in _KINDS for name in names.split()}
"""By what the program is called, without its folder and version."""

UNKNOWN = Interpreter(code="ceE", long=("--eval",), ends=True)
"""What a variable names: a shell, Python, or anything."""

LAUNCHERS = frozenset(
    "env nohup timeout nice ionice chrt taskset stdbuf unbuffer setsid setarch sudo doas exec command builtin time"
    " xargs find busybox toybox flock su runuser sshpass strace ltrace perf valgrind nsys ncu proot firejail bwrap"
    " chroot nsenter unshare systemd-run numactl dotenv docker podman nerdctl kubectl oc srun mpirun mpiexec orterun"
    " singularity apptainer conda mamba micromamba poetry pipenv uv pdm hatch rye pixi xvfb-run torchrun accelerate"
    " deepspeed horovodrun dvc ray catchsegv eatmydata caffeinate daemonize start-stop-daemon".split()
)
"""What runs the command that is given to it."""
