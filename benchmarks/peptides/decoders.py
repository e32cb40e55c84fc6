"""Decoders beside each other: how diverse their peptides are, and how the model likes them.

    python benchmarks/peptides/decoders.py --pairs pepmlm_test.csv.gz --model MODEL

For each target, 20 peptides as long as its known one by every decoder. Identity is the share of places with
the same letter, over all pairs of a target's peptides; distinct 3-mers are a share of all 3-mers. The
pseudo-perplexity is exact, of the first `--scored` peptides of a target. Intervals come from drawing targets
anew, that of "lower on" is Wilson's.
"""

from __future__ import annotations

import time
from itertools import product

import numpy as np
from cases import announce, arguments, cases_of, model_of

from genoseq.peptides.decoders import Decoder, Diverse, Gibbs, Independent, Iterative, Task
from genoseq.peptides.sampling import Sampling
from genoseq.peptides.scores import log_perplexities
from genoseq.peptides.template import Template
from genoseq.peptides.worth import grouped_mean
from genoseq.protein import AMINO_ACIDS
from genoseq.supervised.metrics import wilson

BASE, TOP = "independent, top 3", Sampling(top_k=3)


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("-n", type=int, default=20, help="peptides a target and decoder")
    parser.add_argument("--scored", type=int, default=20, help="of these, exactly")
    parser.add_argument("--penalty", type=float, nargs="+", default=[0.1, 0.2, 0.5], help="of diverse")
    parser.add_argument("--temperature", type=float, nargs="+", default=[0.0, 0.2], help="of diverse")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="decoders (default: all)")
    args = parser.parse_args()
    announce(args)
    ways: dict[str, tuple[Decoder, Sampling]] = {
        BASE: (Independent(), TOP),
        "independent": (Independent(), Sampling()),
        "iterative, top 3": (Iterative(), TOP),
        "iterative": (Iterative(), Sampling()),
        "gibbs, top 3": (Gibbs(), TOP),
        "gibbs": (Gibbs(), Sampling()),
    }
    for penalty, temperature in product(args.penalty, args.temperature):
        name = f"diverse, {penalty:g}, temperature {temperature:g}"
        ways[name] = (Diverse(penalty=penalty), Sampling(temperature=temperature))
    ways = {name: way for name, way in ways.items() if name in {BASE, *args.only} or not args.only}
    cases, model = cases_of(args), model_of(args)
    found = {name: np.zeros((len(cases), 3)) for name in ways}
    seconds = dict.fromkeys(ways, 0.0)
    for number, case in enumerate(cases):
        for name, (decoder, sampling) in ways.items():
            task = Task(case.target.tokens, Template.of_length(max(3, len(case.peptide))), sampling)
            start = time.process_time()
            codes = decoder.sample(model, task, args.n, np.random.default_rng([args.seed, number]))
            seconds[name] += time.process_time() - start
            texts = ["".join(AMINO_ACIDS[code] for code in row) for row in codes]
            cost = log_perplexities(model, case.target.tokens, texts[: args.scored]).mean()
            found[name][number] = identity(codes), words(texts), cost
    columns = "mean identity | distinct 3-mers | geometric mean pseudo-perplexity | CPU s a target"
    print(f"{len(cases)} targets, {args.n} peptides each\n")
    print(f"| decoder | {columns} | against {BASE}: perplexity | lower on |\n|---|---|---|---|---|---|---|")
    for name, figures in found.items():
        same, distinct, cost = (grouped_mean(column, range(len(cases))) for column in figures.T)
        ratio = grouped_mean(figures[:, 2] - found[BASE][:, 2], range(len(cases)))
        lower = int((figures[:, 2] < found[BASE][:, 2]).sum())
        low, high = wilson(lower, len(cases))
        change = "{:+.1%} ({:+.1%} to {:+.1%})".format(
            *(np.expm1(x) for x in (ratio.value, ratio.low, ratio.high))
        )
        share = f"{lower / len(cases):.0%} ({low:.0%}-{high:.0%})" if name != BASE else ""
        middle = f"{np.exp(cost.value):.2f} | {seconds[name] / len(cases):.2f}"
        print(f"| {name} | {same} | {distinct} | {middle} | {change if name != BASE else ''} | {share} |")
    for pair in (("iterative", "independent"), ("gibbs", "independent")):
        if not found.keys() >= set(pair):
            continue
        one, other = (found[name][:, 2] for name in pair)
        lower = int((one < other).sum())
        low, high = wilson(lower, len(cases))
        print(
            f"\n{pair[0]} against {pair[1]}, both of all letters: lower on {lower / len(cases):.0%} ", end=""
        )
        print(f"({low:.0%}-{high:.0%}) of the targets")


def identity(codes: np.ndarray) -> float:
    """Mean share of places with the same letter, over all pairs of rows."""
    same = (codes[:, None] == codes[None]).mean(2)
    count = len(codes)
    return float((same.sum() - count) / (count * (count - 1))) if count > 1 else 1.0


def words(texts: list[str]) -> float:
    """Distinct 3-mers as a share of all."""
    all_words = [text[at : at + 3] for text in texts for at in range(len(text) - 2)]
    return len(set(all_words)) / len(all_words)


if __name__ == "__main__":
    main()
