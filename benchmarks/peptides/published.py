"""Published peptides and ours, for the same targets and lengths: X, other letters, lengths, repeats.

    python benchmarks/peptides/published.py --pairs pepmlm_test.csv.gz --generated pepmlm_gen_650M.csv.gz \\
        --model MODEL

Three rows: the peptides that were released; the way they were made, with this model (the three most probable
of all 33 tokens, each letter by itself, special tokens left out on decoding); and `genoseq peptides`. A
target is asked for a peptide as long as the published test peptide, X counted, four times as the published
script does; of the released ones there is one a target.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from cases import announce, arguments, cases_of, model_of

from genoseq.io.files import open_input
from genoseq.peptides.decoders import Iterative
from genoseq.peptides.design import DesignPlan, design
from genoseq.peptides.template import Template
from genoseq.peptides.tokens import MASK, TOKENS
from genoseq.protein import AMINO_ACIDS

TOP = 3  # scripts/generation.py of PepMLM


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--generated", type=Path, required=True, help="pepmlm_gen_650M.csv.gz")
    parser.add_argument("-n", type=int, default=4, help="peptides a target")
    args = parser.parse_args()
    announce(args)
    cases, model = cases_of(args), model_of(args)
    lengths = {place: len(row["Binder"]) for place, row in rows_of(args.pairs)}
    released = rows_of(args.generated)
    by_target = {row["Receptor Sequence"].strip("X"): row["Binder"] for _, row in released}
    rng = np.random.default_rng(args.seed)
    found: dict[str, list[tuple[int, list[str]]]] = {"released, 650M": [], "published way": [], "genoseq": []}
    for case in cases:
        wanted = lengths[case.target.name]
        if case.target.letters in by_target:
            found["released, 650M"].append((wanted, [by_target[case.target.letters]]))
        found["published way"].append((wanted, published_way(model, case.target.tokens, wanted, args.n, rng)))
        plan = DesignPlan(
            (Template.of_length(wanted),), args.n, 2 * args.n, decoder=Iterative(), seed=args.seed
        )
        designed = design(model, case.target, plan).candidates
        found["genoseq"].append((wanted, [each.peptide for each in designed]))
    print("| peptides | targets | peptides | with X | with another letter | of another length | repeats |")
    print("|---|---|---|---|---|---|---|")
    for name, groups in found.items():
        peptides = [(wanted, peptide) for wanted, some in groups for peptide in some]
        with_x = sum("X" in peptide for _, peptide in peptides)
        others = sum(bool(set(peptide) - set(AMINO_ACIDS) - {"X"}) for _, peptide in peptides)
        longer = sum(len(peptide) != wanted for wanted, peptide in peptides)
        repeats = sum(len(some) - len(set(some)) for _, some in groups)
        shares = [f"{count} ({count / len(peptides):.0%})" for count in (with_x, others, longer, repeats)]
        print(f"| {name} | {len(groups)} | {len(peptides)} | {' | '.join(shares)} |", flush=True)
    short = sum(len(some) < args.n for _, some in found["genoseq"])
    print(
        f"\n{short} targets got fewer than {args.n} peptides from genoseq: few short peptides differ enough"
    )


def rows_of(path: Path) -> list[tuple[str, dict[str, str]]]:
    """Place and cells of each row of a CSV file."""
    with open_input(path) as stream:
        lines = [(f"{path}:{number}", text.decode()) for number, text in stream.lines()]
    rows = csv.DictReader(text for _, text in lines)
    return list(zip([place for place, _ in lines[1:]], rows, strict=False))


def published_way(model, target, length: int, count: int, rng: np.random.Generator) -> list[str]:
    """Peptides as PepMLM's script draws them."""
    row = np.concatenate([target, np.full(length, MASK, np.uint8)])
    logs = model.log_probabilities([row], [len(target) + np.arange(length)])
    best = np.argsort(-logs, 1)[:, :TOP]
    shares = np.exp(np.take_along_axis(logs, best, 1).astype(np.float64))
    sums = np.cumsum(shares / shares.sum(1, keepdims=True), 1)
    peptides = []
    for _ in range(count):
        chosen = (sums <= rng.random(length)[:, None]).sum(1).clip(max=TOP - 1)
        tokens = best[np.arange(length), chosen]
        peptides.append("".join(TOKENS[token] for token in tokens if len(TOKENS[token]) == 1))
    return peptides


if __name__ == "__main__":
    main()
