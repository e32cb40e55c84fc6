"""What a command costs: CPU seconds, wall seconds, peak memory, of the command and all that it starts.

The command runs under a small Python of its own (this file as a script). Linux counts the memory of the
process that forks towards the peak of the forked one, so a parent that holds numpy would be seen in the
peak of every small program; the launcher holds 10 MB. Costs are those of wait4: user and system time, summed
over the children that the command waited for.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median


class CommandError(Exception):
    """A command that ended with another status than 0, or that is not installed."""


@dataclass(frozen=True)
class Cost:
    """What one run took.

    Attributes
    ----------
    user, system, wall
        Seconds.
    peak
        Largest resident set of any process of the command, mapped files included (bytes).
    own
        Largest resident set of the command itself without mapped files, read every 20 ms (bytes); 0 where the
        system does not tell.
    """

    user: float
    system: float
    wall: float
    peak: int
    own: int = 0

    @property
    def cpu(self) -> float:
        """User and system seconds."""
        return self.user + self.system

    def to_dict(self) -> dict[str, float]:
        """Everything, for JSON."""
        return {**asdict(self), "cpu": self.cpu}


def processor() -> str:
    """What the machine calls its processor."""
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    import platform  # not at the top: this file is also the launcher, which is to be small

    return platform.processor() or platform.machine()


def last_core() -> int:
    """The core that measurements are pinned to: the last one that this process may use, or -1 if unknown."""
    return max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else -1


def measure(
    command: list[str], *, log: Path, stdout: Path | None = None, core: int = -1, timeout: float = 7200
) -> Cost:
    """Run a command and say what it cost.

    Parameters
    ----------
    command
        Program and arguments; no shell.
    log
        File that takes standard error (and standard output, unless `stdout` is given).
    stdout
        File for standard output.
    core
        CPU core to stay on; -1 leaves it free.
    timeout
        Seconds until the command is killed.

    Raises
    ------
    CommandError
        If the command is missing, fails or runs out of time, with the end of its log.
    """
    order = {"command": command, "log": str(log), "stdout": str(stdout) if stdout else None, "core": core}
    launcher = [sys.executable, "-I", "-S", __file__]
    try:
        done = subprocess.run(
            launcher, input=json.dumps(order), capture_output=True, text=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise CommandError(f"more than {timeout:.0f} s: {' '.join(command)}") from error
    if done.returncode:
        raise CommandError(f"the launcher failed: {done.stderr}")
    result = json.loads(done.stdout)
    status = result.pop("status")
    if status:
        tail = log.read_text(errors="replace")[-2000:]
        raise CommandError(f"status {status}: {' '.join(command)}\n{tail}")
    return Cost(**result)


def median_cost(costs: list[Cost]) -> Cost:
    """Median of each figure, and the largest peak."""
    return Cost(
        median(c.user for c in costs),
        median(c.system for c in costs),
        median(c.wall for c in costs),
        max(c.peak for c in costs),
        max(c.own for c in costs),
    )


def _launch(order: dict[str, object]) -> dict[str, float | int]:
    """Run the command of `order` in this small process; 127 is a program that is not there."""
    started = time.perf_counter()
    child = os.fork()
    if child == 0:
        _become(order)
    watch = _Watch(child)
    watch.start()
    _, status, usage = os.wait4(child, 0)
    wall = time.perf_counter() - started
    watch.over.set()
    watch.join()
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {
        "status": os.waitstatus_to_exitcode(status),
        "user": usage.ru_utime,
        "system": usage.ru_stime,
        "wall": wall,
        "peak": peak,
        "own": watch.most,
    }


class _Watch(threading.Thread):
    """Looks at the memory of a process that it does not share with files."""

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self.over, self.most = threading.Event(), 0
        self._status = Path(f"/proc/{process}/status")

    def run(self) -> None:
        while not self.over.wait(0.02):
            with contextlib.suppress(OSError):
                for line in self._status.read_text().splitlines():
                    if line.startswith("RssAnon:"):
                        self.most = max(self.most, 1024 * int(line.split()[1]))


def _become(order: dict[str, object]) -> None:
    command, core = order["command"], order["core"]
    try:
        if core >= 0:
            os.sched_setaffinity(0, {core})
        create = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        log = os.open(order["log"], create, 0o644)
        out = os.open(order["stdout"], create, 0o644) if order["stdout"] else log
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(log, 2)
        os.execvp(command[0], command)
    except OSError as error:
        os.write(2, f"{command[0]}: {error}\n".encode())
    os._exit(127)


if __name__ == "__main__":
    print(json.dumps(_launch(json.load(sys.stdin))))
