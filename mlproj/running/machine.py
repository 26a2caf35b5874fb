"""The machine that a run's command met, as far as it can change numbers: read from the system within a fraction of a
millisecond."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlproj.foundation.redaction import redact

VARIABLES = (
    # The order in which Python walks sets, what it imports, whether asserts are there.
    *(
        "PYTHONHASHSEED",
        "PYTHONPATH",
        "PYTHONHOME",
        "PYTHONOPTIMIZE",
        "PYTHONUTF8",
        "PYTHONIOENCODING",
        "PYTHONNOUSERSITE",
    ),
    # How many threads add up, and by which code: floating-point sums depend on their order.
    *(
        "OMP_NUM_THREADS",
        "OMP_DYNAMIC",
        "MKL_NUM_THREADS",
        "MKL_DYNAMIC",
        "MKL_CBWR",
        "OPENBLAS_NUM_THREADS",
        "OPENBLAS_CORETYPE",
    ),
    *("BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS", "POLARS_MAX_THREADS"),
    # Which cards are used, and whether their kernels are deterministic.
    *(
        "CUDA_VISIBLE_DEVICES",
        "HIP_VISIBLE_DEVICES",
        "CUDA_LAUNCH_BLOCKING",
        "CUBLAS_WORKSPACE_CONFIG",
        "NVIDIA_TF32_OVERRIDE",
    ),
    *(
        "TF_DETERMINISTIC_OPS",
        "TF_CUDNN_DETERMINISTIC",
        "TF_ENABLE_ONEDNN_OPTS",
        "XLA_FLAGS",
        "PYTORCH_CUDA_ALLOC_CONF",
    ),
    # Dates, numbers and texts as they are read, sorted and written.
    *("TZ", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LC_COLLATE", "LC_NUMERIC", "LC_TIME"),
    # Shared libraries that are put in the place of others.
    *("LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_LIBRARY_PATH"),
)
"""Variables that change what a program computes or how it behaves, and that hold no secrets. Those that are not set are
not recorded."""

OF_ONE_MACHINE = frozenset(
    (
        "PYTHONPATH",
        "PYTHONHOME",
        "CUDA_VISIBLE_DEVICES",
        "HIP_VISIBLE_DEVICES",
        "LD_LIBRARY_PATH",
        "LD_PRELOAD",
        "DYLD_LIBRARY_PATH",
    )
)
"""Those of them whose values mean something on one machine only."""

_FIRST_PROCESSOR = (
    8192  # bytes; the file has as many parts as there are processors, and the system takes its time to write them
)
_MODEL = ("model name", "Hardware", "cpu", "CPU part")  # x86; ARM of old; POWER; ARM
_VECTORS = ("avx512f", "avx2", "avx", "sse4_2", "sve2", "sve", "asimd")
PROCESSORS = Path("/proc/cpuinfo")
NVIDIA = Path("/proc/driver/nvidia")


def describe(environ: Mapping[str, str], *, in_container: bool = False) -> dict[str, Any]:
    """``machine`` of the record's ``environment`` (schema 1), for a command that is given *environ*; what is not known
    is None.

    ``processors`` are those that the command may use; ``vectors`` names the widest vector instructions, by which
    numerical libraries choose their code. *in_container* says that the command has a C library of its own, that of a
    container.
    """
    system = os.uname()
    processor, vectors = _processor()
    cards, driver = _cards()
    return {
        "os": system.sysname,
        "kernel": system.release,
        "architecture": system.machine,
        "libc": None if in_container else _c_library(),
        "processor": processor,
        "processors": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "vectors": vectors,
        "gpus": cards,
        "gpu_driver": driver,
        "variables": {name: _text(environ[name]) for name in VARIABLES if name in environ},
    }


def _c_library() -> str | None:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION")
    except (OSError, ValueError):  # another library than GNU's
        return None


def _processor() -> tuple[str | None, str | None]:
    """The model of the first processor, and its widest vector instructions."""
    try:
        with PROCESSORS.open("rb", buffering=0) as file:
            content = file.read(_FIRST_PROCESSOR).decode("ascii", "replace")
    except OSError:
        return None, None
    known = {
        name.strip(): value.strip()
        for name, colon, value in (line.partition(":") for line in content.splitlines())
        if colon
    }
    name = next((known[field] for field in _MODEL if known.get(field)), None)
    flags = (known.get("flags") or known.get("Features") or "").split()
    return name, next((word for word in _VECTORS if word in flags), None)


def _cards() -> tuple[list[str], str | None]:
    """The models of NVIDIA's cards and the version of their driver; no program is asked."""
    try:
        version = re.search(r"Kernel Module\D*(\d[\d.]*)", (NVIDIA / "version").read_text("utf-8", "replace"))
        content = [(card / "information").read_text("utf-8", "replace") for card in sorted((NVIDIA / "gpus").iterdir())]
    except OSError:
        return [], None
    return [model[1] for text in content if (model := re.search(r"Model:\s*(.+)", text))], version[
        1
    ] if version else None


def _text(value: str) -> str:
    return redact(os.fsencode(value).decode("utf-8", "backslashreplace"))
