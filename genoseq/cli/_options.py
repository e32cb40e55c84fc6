"""What the commands share: options that mean the same everywhere, range checks, the look of the help."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable, Iterable
from typing import NoReturn

__all__ = [
    "DEFAULT_SEED",
    "HelpFormatter",
    "Parser",
    "add_common_options",
    "available_cores",
    "bounded_float",
    "bounded_int",
    "insert_size",
    "memory_size",
    "nearest",
    "share",
]

_MOST_THREADS = 512
_LEAST_MEMORY = 16 << 20
_LARGEST_SEED = 2**32 - 1
DEFAULT_SEED = 1


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Text as written, options with their defaults."""

    def __init__(
        self, prog: str, indent_increment: int = 2, max_help_position: int = 26, width: int | None = None
    ) -> None:
        super().__init__(prog, indent_increment, max_help_position, width)

    def _get_help_string(self, action: argparse.Action) -> str | None:
        text = action.help
        silent = action.default in (None, False, argparse.SUPPRESS) or action.required
        if text is None or silent or "default" in text or not action.option_strings:
            return text
        return f"{text} (default: %(default)s)"

    def _format_action_invocation(self, action: argparse.Action) -> str:
        """`-o, --output FILE`, with the value once, as Python 3.13 writes it."""
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        value = self._format_args(action, self._get_default_metavar_for_optional(action))
        return f"{', '.join(action.option_strings)} {value}"


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line: what is wrong, what was probably meant, where the help is."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments and end with exit code 2."""
        hint = f"see {self.prog} --help"
        if message.startswith("unrecognized arguments: "):
            known = [option for action in self._actions for option in action.option_strings]
            hint = nearest(message.split()[2].split("=")[0], known) or hint
        self.exit(2, f"{self.prog}: error: {message}; {hint}\n")


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that was probably meant, as a question; empty if none is close.

    Examples
    --------
    >>> nearest("evalute", ["align", "evaluate"])
    'did you mean evaluate?'
    """
    import difflib  # only after a mistake

    close = difflib.get_close_matches(word, list(known), 1)
    return f"did you mean {close[0]}?" if close else ""


def available_cores() -> int:
    """The CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def bounded_int(low: int, high: int | None = None) -> Callable[[str], int]:
    """An argparse type: a whole number of `low`..`high`, both allowed.

    Examples
    --------
    >>> bounded_int(1, 9)("3")
    3
    >>> bounded_int(1, 9)("10")
    Traceback (most recent call last):
    ...
    argparse.ArgumentTypeError: 10 is out of range (allowed: 1..9)
    """
    allowed = f"{low} or more" if high is None else f"{low}..{high}"

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not a whole number (allowed: {allowed})"
            ) from error
        if value < low or (high is not None and value > high):
            raise argparse.ArgumentTypeError(f"{value} is out of range (allowed: {allowed})")
        return value

    return parse


def bounded_float(low: float, high: float | None = None) -> Callable[[str], float]:
    """An argparse type: a number of `low`..`high`, both allowed.

    Examples
    --------
    >>> bounded_float(0, 0.5)("0.25")
    0.25
    """
    allowed = f"{low:g} or more" if high is None else f"{low:g}..{high:g}"

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number (allowed: {allowed})") from error
        # written so that nan fails too
        if not (value >= low and (high is None or value <= high)):
            raise argparse.ArgumentTypeError(f"{text} is out of range (allowed: {allowed})")
        return value

    return parse


def share(text: str) -> float:
    """An argparse type: a number above 0, up to 1.

    Examples
    --------
    >>> share("0.9")
    0.9
    """
    value = bounded_float(0, 1)(text)
    if value == 0:
        raise argparse.ArgumentTypeError("0 is out of range (allowed: above 0, up to 1)")
    return value


def add_common_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of every command: threads, seed, quiet, JSON summary, debug, help."""
    group = parser.add_argument_group("Common options")
    group.add_argument(
        "-t",
        "--threads",
        type=bounded_int(1, _MOST_THREADS),
        default=available_cores(),
        metavar="N",
        help="CPU threads; the output is the same for any number (default: all that this process may use)",
    )
    group.add_argument(
        "--seed",
        type=bounded_int(0, _LARGEST_SEED),
        default=DEFAULT_SEED,
        metavar="N",
        help="start of all random numbers",
    )
    group.add_argument(
        "--json", metavar="FILE", help="write a summary of the run as JSON to FILE (- for stdout)"
    )
    group.add_argument(
        "-q", "--quiet", action="store_true", help="no progress and no summary, only warnings and errors"
    )
    group.add_argument("--debug", action="store_true", help="show the Python traceback of an error")
    group.add_argument("-h", "--help", action="help", help="show this help")


def insert_size(text: str) -> tuple[float, float]:
    """The type of an option `MEAN,SD`: length of fragments, bp."""
    try:
        mean, deviation = (float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not MEAN,SD in bp, for example 400,50") from None
    return mean, deviation


def memory_size(text: str) -> int:
    """The type of an option SIZE: bytes, with K, M or G for powers of 1,024.

    Examples
    --------
    >>> memory_size("2G")
    2147483648
    """
    match = re.fullmatch(r"(\d+)([KMG]?)", text.upper())
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size, for example 512M or 2G")
    size = int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[match[2]]
    if size < _LEAST_MEMORY:
        raise argparse.ArgumentTypeError(f"{text} is out of range (allowed: 16M or more)")
    return size
