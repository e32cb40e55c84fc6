"""The best 20 of 200 peptides by exact pseudo-perplexity: the published way, and with a screen.

    python benchmarks/peptides/speed.py --pairs pepmlm_test.csv.gz --model MODEL --targets 3 -t 2

The published way: a forward for each sample (all of them alike), then each sample scored exactly, a batch for
each. Ours: one forward for all, an estimate for which the target is read once, and exact scores of the best
`--scored` by it. Both draw each letter by itself among the three most probable amino acids, with the same
random numbers, so that they choose among the same peptides. They take turns on each target; CPU seconds of
the process.
Targets are those of the test pairs that are nearest to 300 residues.
"""

from __future__ import annotations

import time

import numpy as np
from cases import announce, arguments, cases_of, model_of

from genoseq.peptides.decoders import Independent, Task
from genoseq.peptides.sampling import Sampling
from genoseq.peptides.scores import log_perplexities, quick_log_perplexities
from genoseq.peptides.template import Template
from genoseq.protein import AMINO_ACIDS

RESIDUES = 300


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--best", type=int, default=20)
    parser.add_argument("--length", type=int, default=12)
    parser.add_argument("--scored", type=int, nargs="+", default=[20, 25, 30])
    args = parser.parse_args()
    announce(args)
    count, args.targets = args.targets or 3, None
    cases, model = cases_of(args), model_of(args)
    cases = sorted(cases, key=lambda case: abs(len(case.target.letters) - RESIDUES))[:count]
    model.log_probabilities([cases[0].target.tokens], [np.arange(2)])  # warm
    seconds = {"published": 0.0, **dict.fromkeys(map(str, args.scored), 0.0)}
    costs: dict[str, list[float]] = {name: [] for name in seconds}
    looks = dict.fromkeys(seconds, 0)
    for number, case in enumerate(cases):
        seed = [args.seed, number]
        for name in seconds:
            before, start = model.tokens, time.process_time()
            if name == "published":
                found = published(model, case.target.tokens, args, seed)
            else:
                found = screened(model, case.target.tokens, args, seed, int(name))
            seconds[name] += time.process_time() - start
            looks[name] += model.tokens - before
            costs[name].append(float(np.exp(found).mean()))
    print(f"{len(cases)} targets of {[len(case.target.letters) for case in cases]} residues, ", end="")
    print(f"length {args.length}, best {args.best} of {args.samples}\n")
    columns = "tokens through the network | CPU s a target | times faster | mean pseudo-perplexity | change"
    print(f"| way | {columns} |")
    print("|---|---|---|---|---|---|")
    for name, spent in seconds.items():
        mean, usual = np.mean(costs[name]), np.mean(costs["published"])
        way = name if name == "published" else f"screen, {name} scored exactly"
        times = f"{spent / len(cases):.2f} | {seconds['published'] / spent:.1f}"
        print(f"| {way} | {looks[name] // len(cases):,} | {times} | {mean:.3f} | {mean / usual - 1:+.2%} |")


def task_of(target, args) -> Task:
    return Task(target, Template.of_length(args.length), Sampling(top_k=3))


def texts(codes) -> list[str]:
    return ["".join(AMINO_ACIDS[code] for code in row) for row in codes]


def published(model, target, args, seed) -> np.ndarray:
    """Log pseudo-perplexities of the best; equal peptides are taken once, as below."""
    rng, drawn = np.random.default_rng(seed), []
    for _ in range(args.samples):
        drawn += texts(Independent().sample(model, task_of(target, args), 1, rng))
    scores = {text: log_perplexities(model, target, [text])[0] for text in drawn}
    return np.sort(list(scores.values()))[: args.best]


def screened(model, target, args, seed, scored: int) -> np.ndarray:
    """The same, of those that the estimate leaves."""
    rng = np.random.default_rng(seed)
    drawn = texts(Independent().sample(model, task_of(target, args), args.samples, rng))
    unique = list(dict.fromkeys(drawn))
    estimates = quick_log_perplexities(model, target, unique)
    kept = [unique[number] for number in np.argsort(estimates, kind="stable")[:scored]]
    return np.sort(log_perplexities(model, target, kept))[: args.best]


if __name__ == "__main__":
    main()
