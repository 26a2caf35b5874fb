"""How busy the machine and a run's processes are, as metrics, under MLflow's names where it has one.

Megabytes are 10⁶ bytes. Network traffic counts from the first sample on. Besides MLflow's names (``system/cpu_…``,
``system/system_memory_…``, ``system/disk_…``, ``system/network_…``, ``system/gpu_N_…``) there is what the run's own
processes use: ``system/process_cpu_percentage`` (100: one core), ``system/process_memory_usage_megabytes``, and once,
when the command has ended, ``system/process_cpu_seconds`` and ``system/process_peak_memory_megabytes``.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from typing import Any

from mlproj.foundation import env_vars
from mlproj.foundation.errors import MlprojError, UsageError
from mlproj.tracking.base import Metric

PREFIX = "system/"
INTERVAL = 10.0  # seconds
FIRST = 1.0  # seconds after which the first sample is taken
_WARM_UP = 0.2  # seconds over which the first percentages are taken
_GPU_QUERY = "index,utilization.gpu,memory.used,memory.total,power.draw,power.limit"
_GPU_TIMEOUT = 10.0  # seconds
_MEGABYTE = 1e6
_MEBIBYTE = 1.048576  # megabytes; nvidia-smi says MiB


def wanted() -> bool:
    """Whether the user's environment asks for system metrics, which is so unless it says no."""
    return (env_vars.SYSTEM_METRICS.get() or "on").strip().casefold() not in ("off", "0", "false", "no")


def interval() -> float:
    """Seconds between two samples. Raises UsageError when the variable that says so holds something else."""
    text = env_vars.SYSTEM_METRICS_INTERVAL.get()
    if text is None:
        return INTERVAL
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0.1 <= seconds < math.inf:
        raise UsageError(
            f"{env_vars.SYSTEM_METRICS_INTERVAL.name} must be a number of seconds, at least 0.1; found {text!r}"
        )
    return seconds


def usage(cpu_seconds: float, peak_memory: int) -> list[Metric]:
    """What a command used in all: seconds of processors, and at its peak bytes of memory."""
    return _points({"process_cpu_seconds": cpu_seconds, "process_peak_memory_megabytes": peak_memory / _MEGABYTE}, 0)


class Sampler:
    """Samples of this machine and of a process with its descendants. Nothing is loaded or opened before the first
    sample."""

    def __init__(self, pid: int, every: float, first: float = FIRST) -> None:
        self._pid = pid
        self._every = every
        self._next = time.monotonic() + max(0.0, first - _WARM_UP)
        self._step = 0
        self._readings: _Readings | None = None
        self._broken = False

    def patience(self) -> float:
        """Seconds until the next sample is due; infinite when there will be none."""
        return math.inf if self._broken else max(0.0, self._next - time.monotonic())

    def sample(self) -> list[Metric]:
        """The sample that is due, if one is. Never raises: what cannot be read is left out."""
        if self.patience() > 0:
            return []
        try:
            if self._readings is None:
                self._readings = _Readings(self._pid)
                self._next = time.monotonic() + _WARM_UP
                return []
            points = _points(self._readings.take(), self._step)
        except Exception:  # a sample is never worth a run: without psutil, or with one that fails here, there is none
            self._broken = True
            return []
        self._step += 1
        self._next = time.monotonic() + self._every
        return points


class _Readings:
    """The instruments, each read alone, so that one which fails here does not take the others along."""

    def __init__(self, pid: int) -> None:
        import psutil

        self._psutil = psutil
        self._instruments: list[Callable[[], dict[str, float]]] = [
            *(self._cpu, self._memory, self._disk, _Network(psutil), _Processes(psutil, pid), _gpus)
        ]
        self.take()  # percentages are those since the last look

    def take(self) -> dict[str, float]:
        """Every reading by its name. An instrument that fails is not asked again."""
        found: dict[str, float] = {}
        for instrument in list(self._instruments):
            try:
                found.update(instrument())
            except (OSError, MlprojError, self._psutil.Error, ValueError, AttributeError, RuntimeError):
                self._instruments.remove(instrument)
        return found

    def _cpu(self) -> dict[str, float]:
        return {"cpu_utilization_percentage": self._psutil.cpu_percent()}

    def _memory(self) -> dict[str, float]:
        memory = self._psutil.virtual_memory()
        return {
            "system_memory_usage_megabytes": memory.used / _MEGABYTE,
            "system_memory_usage_percentage": memory.percent,
        }

    def _disk(self) -> dict[str, float]:
        disk = self._psutil.disk_usage(os.sep)
        return {
            "disk_usage_percentage": disk.percent,
            "disk_usage_megabytes": disk.used / _MEGABYTE,
            "disk_available_megabytes": disk.free / _MEGABYTE,
        }


class _Network:
    """Traffic of all the machine's interfaces since the first look."""

    def __init__(self, library: Any) -> None:
        self._counters = library.net_io_counters
        self._before: Any = None

    def __call__(self) -> dict[str, float]:
        now = self._counters()
        self._before = self._before or now
        return {
            "network_receive_megabytes": (now.bytes_recv - self._before.bytes_recv) / _MEGABYTE,
            "network_transmit_megabytes": (now.bytes_sent - self._before.bytes_sent) / _MEGABYTE,
        }


class _Processes:
    """What a process and its descendants use. Those that ended since the last look are not in the percentage."""

    def __init__(self, library: Any, pid: int) -> None:
        self._error = library.Error
        self._process = library.Process
        self._pid = pid
        self._seen: dict[tuple[int, float], float] = {}
        self._looked = time.monotonic()

    def __call__(self) -> dict[str, float]:
        seen: dict[tuple[int, float], float] = {}
        memory = 0
        root = self._process(self._pid)
        for member in [root, *root.children(recursive=True)]:
            try:
                with member.oneshot():
                    times = member.cpu_times()
                    seen[member.pid, member.create_time()] = times.user + times.system
                    memory += member.memory_info().rss
            except self._error:  # ended meanwhile
                continue
        used = sum(max(0.0, seconds - self._seen.get(member, 0.0)) for member, seconds in seen.items())
        elapsed = time.monotonic() - self._looked
        self._seen, self._looked = seen, time.monotonic()
        return {
            "process_cpu_percentage": 100 * used / max(elapsed, 0.01),
            "process_memory_usage_megabytes": memory / _MEGABYTE,
        }


def _gpus() -> dict[str, float]:
    """NVIDIA's, through its own program; a machine without it has no such reading."""
    from mlproj.foundation import process

    asked = process.run(
        ["nvidia-smi", f"--query-gpu={_GPU_QUERY}", "--format=csv,noheader,nounits"], timeout=_GPU_TIMEOUT
    )
    if asked.returncode != 0:
        raise OSError(asked.error_text)
    found: dict[str, float] = {}
    for line in asked.text.splitlines():
        found.update(_gpu(line))
    return found


def _gpu(line: str) -> dict[str, float]:
    """A line of nvidia-smi's answer; a reading that this card does not give is ``[N/A]``."""
    index, busy, used, total, power, limit = (field.strip() for field in line.split(","))
    readings = {
        "utilization_percentage": _number(busy),
        "memory_usage_megabytes": _number(used) * _MEBIBYTE,
        "memory_usage_percentage": _percent(used, total),
        "power_usage_watts": _number(power),
        "power_usage_percentage": _percent(power, limit),
    }
    return {f"gpu_{int(index)}_{name}": value for name, value in readings.items() if not math.isnan(value)}


def _percent(part: str, whole: str) -> float:
    return 100 * _number(part) / (_number(whole) or math.nan)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _points(readings: dict[str, float], step: int) -> list[Metric]:
    now = time.time_ns() // 1_000_000
    return [Metric(PREFIX + name, value, now, step) for name, value in readings.items()]
