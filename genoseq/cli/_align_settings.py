"""Settings of a run of `genoseq align` for other runs, which align parts of its reads.

The first batch of reads decides on two things: the preset that `auto` takes, and the insert size that is
assumed for pairs where a batch has too few to learn its own. A part of the reads has another first batch, so
it takes both from the summary (--json) of a run that saw the whole, or its first batch (--settings-only).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from genoseq.align.aligner import Aligner
    from genoseq.align.insert import InsertSize

__all__ = ["Settings", "add_settings_options", "check_settings", "read_settings", "settings_of"]

_SOURCES = ("assumed", "learned", "given")


def add_settings_options(parser: argparse.ArgumentParser) -> None:
    """Add --settings and --settings-only."""
    parts = parser.add_argument_group("Parts of the reads (genoseq split)")
    parts.add_argument(
        "--settings",
        metavar="FILE.json",
        help="align a part as the whole was: preset and insert size from the --json of that run",
    )
    parts.add_argument(
        "--settings-only",
        action="store_true",
        help="only look at the first reads, and write these settings to --json; nothing is aligned",
    )


class Settings(NamedTuple):
    """What the first reads decided.

    Attributes
    ----------
    preset : str
    insert : InsertSize
        Of pairs.
    source : str
        "assumed" or "learned": a batch that learns its own takes that; "given": of all batches.
    """

    preset: str
    insert: InsertSize
    source: str

    def apply(self, aligner: Aligner) -> None:
        """Have the aligner take the insert size."""
        aligner.insert, aligner.insert_source = self.insert, self.source


def settings_of(aligner: Aligner) -> dict[str, Any]:
    """The insert size as the summary tells it."""
    return {**aligner.insert._asdict(), "source": aligner.insert_source}


def check_settings(args: argparse.Namespace) -> None:
    """Refuse options that say the same twice, and outputs that would stay empty.

    Raises
    ------
    UsageError
    """
    from genoseq.errors import UsageError

    if args.settings is not None:
        if args.settings_only:
            raise UsageError("--settings-only writes settings, --settings reads them; give one of them")
        if args.preset != "auto" or args.insert is not None:
            option = "--preset" if args.preset != "auto" else "--insert"
            raise UsageError(f"{option}: --settings tells that already; leave one of them out")
    if not args.settings_only:
        return
    if args.json is None:
        raise UsageError("--settings-only needs --json FILE, to which the settings go")
    empty = {"-o": None if args.output == "-" else args.output, "--statistics": args.statistics or None}
    empty |= {f"--{name}": getattr(args, name) for name in ("al", "un", "report", "multiqc")}
    for option, value in empty.items():
        if value is not None:
            raise UsageError(f"--settings-only aligns nothing: {option} would stay empty; leave it out")


def read_settings(path: str) -> Settings:
    """The settings in the summary of a run.

    Raises
    ------
    InputError
        If the file cannot be read or is no such summary.
    """
    from genoseq.align.insert import InsertSize
    from genoseq.align.presets import PRESETS
    from genoseq.errors import InputError
    from genoseq.io.files import input_error

    expected = "the --json of genoseq align is expected"
    try:
        told = json.loads(Path(path).read_bytes())
    except OSError as error:
        raise input_error(error, path) from error
    except (ValueError, RecursionError) as error:  # also of bytes that are no text
        raise InputError(f"is not JSON ({error}); {expected}", path) from error
    if not isinstance(told, dict) or told.get("command") != "align":
        raise InputError(f"is not the summary of an alignment; {expected}", path)
    preset, insert = told.get("preset"), told.get("insert")
    if preset not in PRESETS:
        raise InputError(f"names the preset {preset!r}, not one of {', '.join(PRESETS)}; {expected}", path)
    if not isinstance(insert, dict) or insert.get("source") not in _SOURCES:
        raise InputError(f"has no insert size that is {', '.join(_SOURCES)}; {expected}", path)
    size = [insert[name] for name in InsertSize._fields if _is_length(insert.get(name))]
    if len(size) < len(InsertSize._fields):
        raise InputError(f"has no insert size of {', '.join(InsertSize._fields)} in bp; {expected}", path)
    mean, sd, low, high = size
    if low > high:
        raise InputError(f"has fragments of {low}-{high} bp; {expected}", path)
    return Settings(preset, InsertSize(float(mean), float(sd), int(low), int(high)), insert["source"])


def _is_length(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 < value < float("inf")
