"""The estimate that reads a target once, and the exact pseudo-perplexity, on the same peptides.

    python benchmarks/peptides/estimate.py --pairs pepmlm_test.csv.gz --model MODEL --targets 50

For each target, peptides as long as its known one: half by the independent, half by the iterative decoder.
Correlations are of logarithms, within targets (what a screen needs) and over all.
"""

from __future__ import annotations

import time

import numpy as np
from cases import announce, arguments, cases_of, model_of
from scipy.stats import pearsonr, spearmanr

from genoseq.peptides.decoders import Independent, Iterative, Task
from genoseq.peptides.scores import log_perplexities, quick_log_perplexities
from genoseq.peptides.template import Template
from genoseq.peptides.worth import grouped_mean
from genoseq.protein import AMINO_ACIDS


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("-n", type=int, default=40, help="peptides a target")
    args = parser.parse_args()
    announce(args)
    cases, model = cases_of(args), model_of(args)
    rows, all_exact, all_quick = [], [], []
    slow = fast = 0.0
    for number, case in enumerate(cases):
        rng = np.random.default_rng([args.seed, number])
        task = Task(case.target.tokens, Template.of_length(max(3, len(case.peptide))))
        codes = np.concatenate(
            [decoder.sample(model, task, args.n // 2, rng) for decoder in (Independent(), Iterative())]
        )
        peptides = sorted({"".join(AMINO_ACIDS[code] for code in row) for row in codes})
        marks = [time.process_time()]
        exact = log_perplexities(model, case.target.tokens, peptides)
        marks.append(time.process_time())
        quick = quick_log_perplexities(model, case.target.tokens, peptides)
        marks.append(time.process_time())
        slow, fast = slow + marks[1] - marks[0], fast + marks[2] - marks[1]
        all_exact.append(exact)
        all_quick.append(quick)
        if len(peptides) > 2:
            best, kept = np.argsort(exact)[: args.n // 10 or 1], np.argsort(quick)[: args.n // 4 or 1]
            rows.append((spearmanr(exact, quick)[0], pearsonr(exact, quick)[0], np.isin(best, kept).mean()))
    table = np.array(rows)
    names = ("Spearman", "Pearson", "best tenth that is in the quick quarter")
    print(f"{len(cases)} targets, up to {args.n} peptides each\n")
    print("| within targets | mean (95 % interval) |\n|---|---|")
    for name, column in zip(names, table.T, strict=True):
        print(f"| {name} | {grouped_mean(column, range(len(table)))} |")
    one, other = np.concatenate(all_exact), np.concatenate(all_quick)
    print(f"\nover all {len(one):,} peptides: Spearman {spearmanr(one, other)[0]:.3f}, ", end="")
    print(f"Pearson {pearsonr(one, other)[0]:.3f}; estimate minus exact {np.mean(other - one):+.3f} nats")
    print(f"CPU seconds: exact {slow:.1f}, estimate {fast:.1f} ({slow / fast:.1f} times less)")


if __name__ == "__main__":
    main()
