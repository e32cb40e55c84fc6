"""The frame of the command line: exit codes, messages, help; with a command made for the test."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import warnings
from types import ModuleType

import pytest

from genoseq import __version__, cli
from genoseq.errors import GenoseqError, GenoseqWarning, InputError, MissingDependencyError, UsageError


@pytest.fixture
def command(monkeypatch):
    """`command(run)` lists a command `probe` whose work is `run`."""

    def listed(work):
        module = ModuleType("probe", "Probe the frame.\n\nMore words.\n\nExample:\n  genoseq probe in.fq\n")

        def add_arguments(parser):
            group = parser.add_argument_group("Probing")
            group.add_argument("--depth", type=cli._options.bounded_int(1, 9), default=3, help="how deep")
            group.add_argument(
                "--rate", type=cli._options.bounded_float(0, 0.5), default=None, help="how fast"
            )

        module.add_arguments, module.run = add_arguments, work
        monkeypatch.setitem(sys.modules, "genoseq.cli.probe", module)
        monkeypatch.setitem(cli.COMMANDS, "probe", ("genoseq.cli.probe", "probe the frame"))

    return listed


def failing(error):
    def work(args):
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (InputError("short", "r.fq", 4), 1, "genoseq probe: error: r.fq:4: short\n"),
        (GenoseqError("bad"), 1, "genoseq probe: error: bad\n"),
        (UsageError("no"), 2, "genoseq probe: error: no\n"),
        (MissingDependencyError("it", "torch", "models"), 2, "(from a clone: pip install '.[models]')\n"),
        (OSError(28, "No space left on device", "out.sam"), 1, "error: out.sam: No space left on device\n"),
        (OSError(28, "No space left on device"), 1, "error: No space left on device\n"),
        (MemoryError(), 1, "error: out of memory; use fewer threads (-t) or a machine with more memory\n"),
        (ImportError("lib.so: failed to map segment from shared object"), 1, "memory to load lib.so\n"),
        (RuntimeError("CPUAllocator: can't allocate memory: you"), 1, "batches, or a machine with more\n"),
        (
            RuntimeError("CUDA out of memory. Tried to allocate"),
            1,
            "smaller batches, or a machine with more\n",
        ),
        (RuntimeError("can't start new thread"), 1, "(-t) or a machine with more memory\n"),
        (KeyboardInterrupt(), 130, "genoseq probe: interrupted\n"),
        (BrokenPipeError(), 1, ""),
    ],
)
def test_errors_become_one_line_and_an_exit_code(error, code, message, command, run):
    command(failing(error))
    result = run("probe")
    assert (result.exit, result.output) == (code, b"")
    assert result.stderr.endswith(message)
    assert result.stderr.count("\n") == (1 if message else 0)


def test_debug_shows_the_traceback(command, run):
    command(failing(InputError("short", "r.fq", 4)))
    result = run("probe --debug")
    assert "Traceback" in result.stderr
    assert result.stderr.endswith("genoseq probe: error: r.fq:4: short\n")


def test_an_error_nobody_foresaw_is_not_hidden(command, run):
    command(failing(ZeroDivisionError("a bug")))
    with pytest.raises(ZeroDivisionError):
        run("probe")


def test_warnings_are_one_line_each(command, run):
    def work(args):
        for count in (1, 2):
            warnings.warn(f"reads.fq: {count} odd reads", GenoseqWarning, stacklevel=1)

    command(work)
    result = run("probe -q")
    assert result.exit == 0
    assert result.stderr == "".join(
        f"genoseq probe: warning: reads.fq: {count} odd reads\n" for count in (1, 2)
    )


def test_a_command_gets_the_common_options_and_its_own_command_line(command, run):
    seen = {}
    command(lambda args: seen.update(vars(args)))
    assert run(["probe", "--depth", "4", "-t", "2", "--seed", "7", "-q", "--json", "a b.json"]).exit == 0
    assert seen == {
        "depth": 4,
        "rate": None,
        "threads": 2,
        "seed": 7,
        "quiet": True,
        "json": "a b.json",
        "debug": False,
        "command_line": "genoseq probe --depth 4 -t 2 --seed 7 -q --json 'a b.json'",
    }
    assert json.dumps(seen)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("probe --depth 10", "argument --depth: 10 is out of range (allowed: 1..9)"),
        ("probe --depth x", "argument --depth: 'x' is not a whole number (allowed: 1..9)"),
        ("probe --rate 0.6", "argument --rate: 0.6 is out of range (allowed: 0..0.5)"),
        ("probe --rate nan", "argument --rate: nan is out of range (allowed: 0..0.5)"),
        ("probe --rate x", "argument --rate: 'x' is not a number (allowed: 0..0.5)"),
        ("probe -t 0", "argument -t/--threads: 0 is out of range (allowed: 1..512)"),
        ("probe --seed -1", "argument --seed: -1 is out of range"),
        ("probe --dep 3", "unrecognized arguments: --dep 3"),
        ("probe stray", "unrecognized arguments: stray"),
        ("nonsense", "unknown command 'nonsense'; commands: index, split, align"),
        ("--nonsense", "unknown option '--nonsense'; the command comes first: index, split, align"),
        ("evalute reads.sam", "unknown command 'evalute'; did you mean evaluate?"),
        ("probe --dept 3", "unrecognized arguments: --dept 3; did you mean --depth?"),
        ("probe --depth", "argument --depth: expected one argument; see genoseq probe --help"),
    ],
)
def test_bad_usage_is_exit_2(arguments, message, command, run):
    command(failing(AssertionError("must not run")))
    result = run(arguments)
    assert result.exit == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.output == b""


def test_help_of_a_command_shows_groups_defaults_and_ends_with_the_example(command, run):
    command(failing(AssertionError("must not run")))
    result = run("probe --help")
    assert result.exit == 0
    assert result.stdout.startswith("usage: genoseq probe")
    assert "Probing:" in result.stdout
    assert "how deep (default: 3)" in result.stdout
    assert "how fast\n" in result.stdout
    assert result.stdout.endswith("Example:\n  genoseq probe in.fq\n")


def test_the_overview_lists_every_command(run):
    for arguments in ("--help", "-h", "help"):
        result = run(arguments)
        assert result.exit == 0
        for name, (_, summary) in cli.COMMANDS.items():
            assert f"  {name:10}{summary}\n" in result.stdout


def test_without_a_command_the_overview_goes_to_stderr(run):
    result = run("")
    assert (result.exit, result.output) == (2, b"")
    assert "Commands" in result.stderr


def test_version(run):
    assert run("--version").stdout == f"genoseq {__version__}\n"


@pytest.fixture
def probe():
    """`probe(work)`: start a command whose work is given as source text, in a process of its own."""
    running = []

    def start(work, **options):
        program = (
            "import os, signal, sys, threading, time, types; from genoseq import cli\n"
            "m = types.ModuleType('m', 'x'); m.add_arguments = lambda p: None\n"
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            f"def run(args):\n    {work}\n"
            "m.run = run; sys.modules['m'] = m; cli.COMMANDS['probe'] = ('m', 'x')\n"
            "sys.argv = ['genoseq', 'probe']; cli.main_cli()\n"
        )
        buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": buffered, **options}
        process = subprocess.Popen([sys.executable, "-c", program], **options)
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()


def test_a_reader_that_goes_away_is_no_complaint(probe):
    """As in `genoseq ... | head`: exit 1, nothing on stderr."""
    process = probe("[print('x' * 1000) for _ in range(10000)]")
    assert process.stdout.readline() == b"x" * 1000 + b"\n"
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 1


def test_a_full_disk_behind_standard_output(probe):
    with open("/dev/full", "w") as full:  # noqa: PTH123
        process = probe("print('x')", stdout=full)
    _, stderr = process.communicate(timeout=60)
    assert stderr == b"genoseq probe: error: standard output: No space left on device\n"
    assert process.returncode == 1


@pytest.mark.parametrize(
    ("work", "closed", "code", "message"),
    [
        ("sys.stdin.read()", 0, 1, "genoseq probe: error: Bad file descriptor\n"),
        ("print('x')", 1, 1, "genoseq probe: error: standard output: Bad file descriptor\n"),
        ("print('x', file=sys.stderr)", 2, 0, ""),
        ("assert os.open(os.devnull, 0) > 2", 0, 0, ""),
        ("assert os.open(os.devnull, 0) > 2", 1, 0, ""),
        ("assert os.open(os.devnull, 0) > 2", 2, 0, ""),
    ],
)
def test_closed_standard_streams(probe, work, closed, code, message):
    process = probe(work, preexec_fn=lambda: os.close(closed))
    _, stderr = process.communicate(timeout=60)
    assert (stderr.decode(), process.returncode) == (message, code)


ENDS = [signal.SIGTERM, signal.SIGHUP]


@pytest.mark.parametrize("number", ENDS)
def test_signals_clean_up_once_and_give_their_exit_code(command, run, number):
    """A second signal does not cut the cleaning short; what the caller had set is there afterwards."""
    cleaned = []

    def work(args):
        try:
            os.kill(os.getpid(), number)
            raise AssertionError("must not come here")
        finally:
            for again in ENDS:
                os.kill(os.getpid(), again)
            cleaned.append(True)

    command(work)
    before = [signal.signal(each, signal.SIG_DFL) for each in ENDS]
    try:
        result = run("probe")
        assert [signal.getsignal(each) for each in ENDS] == [signal.SIG_DFL] * 2
    finally:
        for each, handler in zip(ENDS, before, strict=True):
            signal.signal(each, handler)
    assert result.exit == 128 + number
    assert result.stderr == f"genoseq probe: ended by {number.name}\n"
    assert cleaned


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_waits_while_numba_wraps_up_a_result(probe, number, code):
    """Numba crashes if the exception is raised there: it may only come after this function."""
    process = probe(
        "import numba.core.serialize\n"
        "    numba.core.serialize._numba_unpickle  # the function that is meant\n"
        f"    def _numba_unpickle(): os.kill(os.getpid(), {int(number)}); print('whole')\n"
        "    _numba_unpickle(); time.sleep(300)"
    )
    stdout, _ = process.communicate(timeout=60)
    assert (stdout, process.returncode) == (b"whole\n", code)


def test_a_signal_that_is_ignored_or_handled_by_the_caller_stays_so(command, run):
    """As under nohup."""
    caught = []

    def work(args):
        for number in ENDS:
            os.kill(os.getpid(), number)

    command(work)
    before = (
        signal.signal(signal.SIGHUP, signal.SIG_IGN),
        signal.signal(signal.SIGTERM, lambda number, frame: caught.append(number)),
    )
    try:
        assert run("probe").exit == 0
    finally:
        signal.signal(signal.SIGHUP, before[0])
        signal.signal(signal.SIGTERM, before[1])
    assert caught == [signal.SIGTERM]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_nobody_waits_for_threads_after_a_signal(probe, number, code):
    process = probe(
        "threading.Thread(target=time.sleep, args=(300,)).start(); "
        f"os.kill(os.getpid(), {int(number)}); time.sleep(300)"
    )
    process.communicate(timeout=60)
    assert process.returncode == code
