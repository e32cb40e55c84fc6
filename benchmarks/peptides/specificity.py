"""Designs against their own target and five decoys: how often the own target is the best.

    python benchmarks/peptides/specificity.py --pairs pepmlm_test.csv.gz --model MODEL --targets 50

Decoys are other test targets of about the same length and another cluster, ten for each target. Designs are
chosen by pseudo-perplexity, or by specificity against the first five decoys; they are judged against the
other five, which the choice has not seen. By chance the own target is first in a sixth of the cases. The
known peptides are judged as well. Intervals come from drawing targets anew. With `--estimate` scores are
those that read each target once (see estimate.py), so that all targets can be looked at.
"""

from __future__ import annotations

import numpy as np
from cases import Case, announce, arguments, cases_of, model_of

from genoseq.peptides.decoders import Iterative, Task
from genoseq.peptides.scores import log_perplexities, quick_log_perplexities
from genoseq.peptides.template import Template
from genoseq.peptides.worth import grouped_mean
from genoseq.protein import AMINO_ACIDS, encode_protein
from genoseq.supervised.homology import protein_clusters

DECOYS = 5


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--candidates", type=int, default=20, help="a target")
    parser.add_argument("-n", type=int, default=5, help="chosen of these")
    parser.add_argument("--estimate", action="store_true", help="no exact scores")
    args = parser.parse_args()
    scores = quick_log_perplexities if args.estimate else log_perplexities
    announce(args)
    chosen, model = cases_of(args), model_of(args)
    args.targets = None
    everything = cases_of(args)
    clusters = protein_clusters([encode_protein(case.target.letters) for case in everything])
    cluster = {case.target.name: number for case, number in zip(everything, clusters, strict=True)}
    names = ("all candidates", "chosen by pseudo-perplexity", "chosen by specificity", "known peptide")
    first: dict[str, list[float]] = {name: [] for name in names}
    margin: dict[str, list[float]] = {name: [] for name in names}
    for number, case in enumerate(chosen):
        rng = np.random.default_rng([args.seed, number])
        decoys = decoys_of(case, everything, cluster, rng)
        task = Task(case.target.tokens, Template.of_length(max(3, len(case.peptide))))
        codes = Iterative().sample(model, task, args.candidates, rng)
        peptides = sorted({"".join(AMINO_ACIDS[code] for code in row) for row in codes})
        costs = np.stack(
            [scores(model, each.target.tokens, [*peptides, case.peptide]) for each in (case, *decoys)]
        )
        own, seen, unseen = costs[0], costs[1 : DECOYS + 1], costs[DECOYS + 1 :]
        designs = np.arange(len(peptides))
        by_cost = designs[np.argsort(own[designs], kind="stable")][: args.n]
        by_specificity = designs[np.argsort((own - seen.mean(0))[designs], kind="stable")][: args.n]
        groups = (designs, by_cost, by_specificity, np.array([len(peptides)]))
        for name, some in zip(names, groups, strict=True):
            first[name].append(float((own[some] < unseen[:, some].min(0)).mean()))
            margin[name].append(float((unseen[:, some].mean(0) - own[some]).mean()))
    print(f"{len(chosen)} targets, {DECOYS} decoys to judge by; chance is {1 / (DECOYS + 1):.3f}\n")
    print("| peptides | own target first | specificity, nats a letter |\n|---|---|---|")
    for name in names:
        figures = [grouped_mean(np.array(some[name]), range(len(chosen))) for some in (first, margin)]
        print(f"| {name} | {figures[0]} | {figures[1]} |")
    gain = np.array(first[names[2]]) - np.array(first[names[1]])
    print(
        f"\nspecificity instead of pseudo-perplexity: {grouped_mean(gain, range(len(chosen)))} more are first"
    )


def decoys_of(
    case: Case, everything: list[Case], cluster: dict[str, int], rng: np.random.Generator
) -> list[Case]:
    """Ten other targets of about the same length, each of a cluster of its own."""
    own = len(case.target.letters)
    taken, used = list[Case](), {cluster[case.target.name]}
    for other in sorted(everything, key=lambda each: abs(len(each.target.letters) - own)):
        if cluster[other.target.name] not in used:
            used.add(cluster[other.target.name])
            taken.append(other)
        if len(taken) == 2 * DECOYS:
            break
    return [taken[number] for number in rng.permutation(len(taken))]


if __name__ == "__main__":
    main()
