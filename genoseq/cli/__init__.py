"""The command line: finds the command, runs it, turns exceptions into exit codes.

    0 done    1 bad data    2 bad usage or a missing part    130 Ctrl-C    143 SIGTERM    129 SIGHUP

Data goes to standard output or `-o`, words go to standard error. This is the only place of the package where
exceptions become messages and where warnings are printed.

A command is one module of this folder, listed in `COMMANDS`. It is imported only when it is called, so
`genoseq --help` stays fast. The module has

- a docstring: the description that `--help` shows; from a line `Example:` or `Examples:` on, it is shown at
  the end;
- `add_arguments(parser: argparse.ArgumentParser) -> None`: its own options, in titled groups
  (`parser.add_argument_group`); defaults are added to the help by the frame; ranges are checked with the
  types of `_options`;
- `run(args: argparse.Namespace) -> None`: the work; what goes wrong is raised (`genoseq.errors`), never
  printed. It imports what it needs inside, so that `genoseq COMMAND --help` does not load numba.

The frame adds the options that mean the same everywhere (`_options.add_common_options`): `args.threads`,
`args.seed`, `args.quiet`, `args.json`, `args.debug`; and `args.command_line`, the command as typed, for @PG
lines and reports.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shlex
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import TextIO

from genoseq import __version__
from genoseq.cli import _options, _process
from genoseq.errors import GenoseqError, GenoseqWarning

__all__ = ["COMMANDS", "command_parser", "main", "main_cli"]

#: command -> (its module, one line of help), in order of use
COMMANDS: dict[str, tuple[str, str]] = {
    "index": ("genoseq.cli.index", "embed a genome and write its index"),
    "split": ("genoseq.cli.split", "cut reads into parts, to be aligned on many machines"),
    "align": ("genoseq.cli.align", "align reads to an indexed genome, as SAM, BAM, CRAM or PAF"),
    "embed": ("genoseq.cli.embed", "vectors and log-likelihoods of sequences, by HyenaDNA"),
    "variants": ("genoseq.cli.variants", "score variants zero-shot, or all substitutions of a region"),
    "generate": ("genoseq.cli.generate", "draw DNA from a HyenaDNA model, after a prompt or from nothing"),
    "classify": ("genoseq.cli.classify", "say which class sequences belong to"),
    "tree": ("genoseq.cli.tree", "draw the tree of genomes, by compressing them"),
    "peptides": ("genoseq.cli.peptides", "design peptide binders of a protein, or score known ones"),
    "train": ("genoseq.cli.train", "train a classifier, a language model or an encoder on your data"),
    "simulate": ("genoseq.cli.simulate", "make reads with known origin from a genome"),
    "evaluate": ("genoseq.cli.evaluate", "compare alignments with the known origin of the reads"),
    "report": ("genoseq.cli.report", "make one report of what align, variants, classify, peptides wrote"),
    "models": ("genoseq.cli.models", "list, fetch and verify the models that have a name"),
}

_ABOUT = "Sequences into numbers that a machine can search, score and sample."


def main_cli() -> None:
    """The entry point of the console script `genoseq`."""
    _process.open_standard_streams()
    if sys.argv[1:2] == ["align"]:
        _process.map_large_blocks()
    _process.leave(main())


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    argv
        Arguments after the program name; those of the process if None.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    label = "genoseq"
    try:
        with _process.signals_as_exceptions():
            args, run = _parse(arguments)
            label = f"genoseq {arguments[0]}"
            _process.check_memory_limit()
            with _warnings_as_lines(label):
                run(args)
            _process.flush_stdout()
    except SystemExit as stop:  # argparse, after its own message
        return stop.code if isinstance(stop.code, int) else 0
    except _process.Stopped as stop:
        _say(label, f"ended by {signal.Signals(stop.number).name}")
        return _process.ENDED_BY_SIGNAL + stop.number
    except KeyboardInterrupt:
        _say(label, "interrupted")
        return _process.ENDED_BY_SIGNAL + signal.SIGINT
    except BrokenPipeError:  # the reader has seen enough
        return 1
    except GenoseqError as error:
        _explain(label, error, debug=debug)
        return error.exit_code
    except OSError as error:
        _explain(label, error, debug=debug, message=_memory_message(error) or _system_message(error))
        return 1
    except (MemoryError, ImportError, RuntimeError) as error:
        message = _memory_message(error)
        if message is None:
            raise
        _explain(label, error, debug=debug, message=message)
        return 1
    return 0


def command_parser(name: str) -> argparse.ArgumentParser:
    """The parser of one command, as `genoseq NAME --help` shows it."""
    module_name, summary = COMMANDS[name]
    module = import_module(module_name)
    description, example = _split_docstring(module.__doc__ or summary)
    parser = _options.Parser(
        prog=f"genoseq {name}",
        description=description,
        epilog=example,
        formatter_class=_options.HelpFormatter,
        allow_abbrev=False,
        add_help=False,
    )
    module.add_arguments(parser)
    _options.add_common_options(parser)
    parser.set_defaults(_run=module.run)
    return parser


def _parse(arguments: list[str]) -> tuple[argparse.Namespace, Callable[[argparse.Namespace], None]]:
    if not arguments:
        _print_overview(sys.stderr)
        raise SystemExit(2)
    name = arguments[0]
    if name in ("-h", "--help", "help"):
        _print_overview(sys.stdout)
        raise SystemExit(0)
    if name == "--version":
        print(f"genoseq {__version__}")
        raise SystemExit(0)
    if name not in COMMANDS:
        kind = "option" if name.startswith("-") else "command"
        first = "the command comes first: " if kind == "option" else "commands: "
        hint = _options.nearest(name, COMMANDS) or f"{first}{', '.join(COMMANDS)}; see genoseq --help"
        print(f"genoseq: error: unknown {kind} {name!r}; {hint}", file=sys.stderr)
        raise SystemExit(2)
    args = command_parser(name).parse_args(arguments[1:])
    args.command_line = shlex.join(["genoseq", *arguments])
    run = args._run
    del args._run
    return args, run


def _print_overview(out: TextIO) -> None:
    print(f"usage: genoseq COMMAND [options]\n\n{_ABOUT}\n\nCommands, in order of use:", file=out)
    for name, (_, summary) in COMMANDS.items():
        print(f"  {name:10}{summary}", file=out)
    print(
        "\nOptions:\n  -h, --help  show this help; `genoseq COMMAND --help` shows that of a command", file=out
    )
    print("  --version   show the version", file=out)
    print("\nExample:\n  genoseq index genome.fa.gz -o genome.gsx", file=out)
    print("  genoseq align -x genome.gsx reads.fq.gz -o reads.bam --sort", file=out)


def _split_docstring(text: str) -> tuple[str, str | None]:
    """A module docstring as description and the example that ends it."""
    lines = text.strip().splitlines()
    for number, line in enumerate(lines):
        if line.strip() in ("Example:", "Examples:"):
            return "\n".join(lines[:number]).strip(), "\n".join(lines[number:])
    return text.strip(), None


@contextlib.contextmanager
def _warnings_as_lines(label: str) -> Iterator[None]:
    """Show each `GenoseqWarning` as one line on stderr; other warnings as Python does."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", GenoseqWarning)
        show = warnings.showwarning

        def show_line(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if issubclass(category, GenoseqWarning):
                _say(label, f"warning: {message}")
            else:
                show(message, category, filename, lineno, file, line)

        warnings.showwarning = show_line
        yield


def _explain(label: str, error: BaseException, *, debug: bool, message: str | None = None) -> None:
    if debug:
        traceback.print_exception(error)
    _say(label, f"error: {error if message is None else message}")


def _say(label: str, message: str) -> None:
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    with contextlib.suppress(OSError):  # the terminal may be gone
        print(f"{label}: {_printable(message)}", file=sys.stderr)


def _printable(message: str) -> str:
    """The message with escapes for what would steer a terminal, in names of files and what stands in them."""
    shown = (c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in message)
    return "".join(shown)


def _system_message(error: OSError) -> str:
    reason = error.strerror or str(error) or type(error).__name__
    return f"{os.fsdecode(error.filename)}: {reason}" if isinstance(error.filename, str | bytes) else reason


def _memory_message(error: Exception) -> str | None:
    """What to say of an error if it is the lack of memory, in one of the forms that it takes."""
    advice = "use fewer threads (-t) or a machine with more memory"
    if isinstance(error, MemoryError):
        return f"out of memory; {advice}"
    if isinstance(error, ImportError) and "failed to map segment" in str(error):  # of the dynamic linker
        return f"not enough memory to load {str(error).partition(':')[0]}"
    if isinstance(error, OSError) and "Could not find/load shared object" in str(error):  # of llvmlite
        return "a library cannot be loaded: not enough memory, or a damaged installation of llvmlite"
    if isinstance(error, RuntimeError) and re.search("can't allocate memory|CUDA out of memory", str(error)):
        return "out of memory, in torch; take shorter sequences or smaller batches, or a machine with more"
    if isinstance(error, RuntimeError) and "can't start new thread" in str(error):
        return f"not enough memory to start a thread; {advice}"
    return None
