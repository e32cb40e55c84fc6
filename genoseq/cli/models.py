"""Models that genoseq knows by name: list them, fetch one, verify one.

Nothing is ever fetched unasked. Published models come from the Hugging Face Hub, each at a fixed revision,
into the cache that other programs share (HF_HOME).

Examples:
  genoseq models list
  genoseq models pull hyenadna-small-32k-seqlen
  genoseq models verify hyenadna-small-32k-seqlen
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from genoseq.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the actions."""
    group = parser.add_argument_group("What to do")
    group.add_argument("action", choices=("list", "pull", "verify"), help="list, pull NAME or verify NAME")
    group.add_argument("name", nargs="?", metavar="NAME", help="the model")


def run(args: argparse.Namespace) -> None:
    """List, fetch or verify."""
    from genoseq.models.hub import cached, pull, verify
    from genoseq.models.registry import MODELS, known_model

    if (args.action == "list") != (args.name is None):
        needs = "takes no name" if args.action == "list" else "needs the name of a model"
        raise UsageError(f"genoseq models {args.action} {needs}; see genoseq models list")
    summary: dict[str, Any] = {"command": args.command_line}
    if args.action == "list":
        rows = [
            {
                "name": model.name, "kind": model.kind, "about": model.about, "licence": model.licence,
                "repository": model.repository, "revision": model.revision,
                "here": cached(model) is not None,
            }
            for model in MODELS
        ]  # fmt: skip
        summary["models"] = rows
        if args.json != "-":
            for row in rows:
                here = "ships" if not row["repository"] else "here" if row["here"] else "-"
                print(f"{row['name']:32}{here:8}{row['about']} ({row['licence']})")
    else:
        model = known_model(args.name)
        if args.action == "pull":
            folder = pull(model)
            if not args.quiet:
                print(f"genoseq models: {model.name} is in {folder}", file=sys.stderr)
        hashes = verify(model)
        summary |= {"name": model.name, "files": hashes}
        if not args.quiet:
            for name, value in hashes.items():
                print(f"genoseq models: {name} is intact ({value})", file=sys.stderr)
    if args.json:
        from genoseq.io.table import write_json

        write_json(args.json, summary)
