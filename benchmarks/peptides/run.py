"""All benchmarks of peptides, one after the other, and one page of their tables.

    python benchmarks/peptides/run.py --data DATA --work WORK                  # pepmlm-small
    python benchmarks/peptides/run.py --data DATA --work WORK --only speed memory
    python benchmarks/peptides/run.py --data DATA --work WORK --quick          # a look at whether all runs

DATA has ``pepmlm_train.csv.gz``, ``pepmlm_test.csv.gz`` and ``pepmlm_gen_650M.csv.gz`` of the repository of
PepMLM. What each script prints is kept in ``WORK/NAME.md`` and made again only when the command, the weights
or the script changed; ``WORK/peptides.md`` is all of it, for docs/peptides.md. Several may run at once, with
other names for `--only`. `--list` prints the commands.

CPU time on one core, for a model of 5 M parameters:

    equations        2 minutes   logits against float64, padding and company
    perplexity       4 minutes   the test pairs, beside models that count letters
    memory           3 minutes   one design by the architecture of 650M, in 8 GiB
    speed            4 minutes   the best 20 of 200, with and without a screen
    estimate         6 minutes   the target read once against exact scores
    published       20 minutes   X, lengths, repeats, beside the peptides that were released
    specificity     18 minutes   own target against five decoys
    diversity       15 minutes   decoders: 20 peptides for each of 10 targets
    decoders        35 minutes   decoders: 4 peptides for each of the 203 targets

The sizes are options of the scripts: `--list` prints what is run.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

from genoseq.models.hub import find_weights, sha256_of
from genoseq.peptides.network import weights_file

HERE = Path(__file__).parent
TOP = "'iterative, top 3' 'gibbs, top 3'"
DIVERSE = " ".join(
    f"'diverse, {way}'" for way in ("0.1, temperature 0.2", "0.2, temperature 0.2", "0.5, temperature 0")
)
# by name: the script, its arguments, and those of a quick look; TRAIN and GENERATED are files of --data
RUNS = {
    "equations": ("equations.py", "--targets 5", "--targets 1"),
    "perplexity": ("perplexity.py", "--train TRAIN", "--train TRAIN --targets 3"),
    "memory": ("memory.py", "", "--shape esm2_t6_8M --limit 2"),
    "speed": ("speed.py", "--targets 1", "--targets 1 --samples 20 --best 5 --scored 5 10"),
    "estimate": ("estimate.py", "--targets 12", "--targets 2 -n 8"),
    "published": ("published.py", "--generated GENERATED -n 3", "--generated GENERATED --targets 2"),
    "specificity": ("specificity.py", "--targets 24 --candidates 10 -n 3", "--targets 2 --candidates 4 -n 2"),
    "diversity": (
        "decoders.py",
        f"--targets 10 --only independent iterative gibbs {TOP} {DIVERSE}",
        "--targets 2 -n 3",
    ),
    "decoders": ("decoders.py", f"-n 4 --only {TOP}", "--targets 2 -n 2 --penalty 0.5"),
}
KEY_END = " -->\n"
TITLES = {
    "equations": "Logits against the equations",
    "perplexity": "Pseudo-perplexity of the test peptides",
    "memory": "The architecture of 650M on a CPU",
    "speed": "Speed",
    "estimate": "The estimate",
    "published": "Published peptides and ours",
    "specificity": "Specificity",
    "diversity": "Decoders: diversity",
    "decoders": "Decoders: all targets",
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", type=Path, required=True, help="folder of the tables of PepMLM")
    add("--work", type=Path, required=True, help="folder of what was printed")
    add("--model", default="pepmlm-small", help="name, folder or file of weights (default: pepmlm-small)")
    add("--only", nargs="+", choices=RUNS, default=list(RUNS), metavar="NAME", help=f"of {', '.join(RUNS)}")
    add("--quick", action="store_true", help="a few targets each: figures mean nothing")
    add("--list", action="store_true", help="print the commands, run nothing")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    failed = []
    for name in args.only:
        words = command(args, name)
        if args.list:
            print(f"python {shlex.join(words)}")
        elif not done(args, name, words):
            failed.append(name)
    if args.list:
        return
    pages = [(title, args.work / f"{name}.md") for name, title in TITLES.items()]
    parts = [
        f"## {title}\n\n{path.read_text(encoding='utf-8').partition(KEY_END)[2]}"
        for title, path in pages
        if path.exists()
    ]
    (args.work / "peptides.md").write_text("\n".join(parts), encoding="utf-8")
    print(f"{args.work / 'peptides.md'}: {len(parts)} of {len(RUNS)} tables", file=sys.stderr)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def command(args: argparse.Namespace, name: str) -> list[str]:
    """Script and arguments."""
    script, usual, quick = RUNS[name]
    files = {"TRAIN": "pepmlm_train.csv.gz", "GENERATED": "pepmlm_gen_650M.csv.gz"}
    own = [str(args.data / files[word]) if word in files else word for word in shlex.split(usual)]
    if args.quick:
        own = [str(args.data / files[word]) if word in files else word for word in shlex.split(quick)]
    about = (
        [] if name == "memory" else ["--pairs", str(args.data / "pepmlm_test.csv.gz"), "--model", args.model]
    )
    return [os.path.relpath(HERE / script), *about, *own]


def done(args: argparse.Namespace, name: str, words: list[str]) -> bool:
    """Run a script, unless it was run; what it printed is kept if it ends well."""
    page = args.work / f"{name}.md"
    weights = "" if name == "memory" else sha256_of(weights_file(find_weights(args.model)))
    scripts = b"".join(path.read_bytes() for path in (Path(words[0]), HERE / "cases.py"))
    key = hashlib.sha256(repr((words, weights)).encode() + scripts).hexdigest()
    if page.exists() and page.read_text(encoding="utf-8").startswith(f"<!-- {key}{KEY_END}"):
        return True
    print(f"run.py: {name}", file=sys.stderr, flush=True)
    start, before = time.perf_counter(), os.times()
    found = subprocess.run([sys.executable, *words], stdout=subprocess.PIPE, text=True, check=False)
    after = os.times()
    if found.returncode:
        return False
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    weights = f"weights SHA-256 `{weights}`, " if weights else ""
    spent = f"{weights}{cpu:.0f} CPU s, {time.perf_counter() - start:.0f} s"
    text = found.stdout.strip().replace(f"{args.data}/", "DATA/")
    page.write_text(f"<!-- {key}{KEY_END}{text}\n\n{spent}\n", encoding="utf-8")
    return True


if __name__ == "__main__":
    main()
