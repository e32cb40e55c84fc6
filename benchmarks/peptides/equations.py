"""Logits against a direct evaluation of the equations of ESM-2 in float64, and padding and company.

    python benchmarks/peptides/equations.py --pairs pepmlm_test.csv.gz --model MODEL --targets 5

The evaluation in numpy is that of tests/peptides/test_network.py, which holds the same for a tiny network.
Rows are targets with their peptide, with none, one and all letters of the peptide masked. Beside the model
that is given, networks with random weights are looked at, larger ones than the tests have.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from cases import announce, arguments, cases_of, model_of

from genoseq.peptides.network import SHAPES, EsmShape, new_network
from genoseq.peptides.tokens import MASK, PAD, padded, tokens_of

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "peptides"))
from test_network import by_the_equations

RANDOM = {"random, 2 layers of 64": EsmShape(2, 64, 4, 128), "random, esm2_t6_8M": SHAPES["esm2_t6_8M"]}


def main() -> None:
    args = arguments(__doc__).parse_args()
    announce(args)
    rows = []
    for case in cases_of(args):
        peptide = tokens_of(case.peptide)
        for masks in sorted({0, 1, len(peptide)}):
            shown = peptide.copy()
            shown[:masks] = MASK
            rows.append(np.concatenate([case.target.tokens, shown]))
    networks = {str(args.model): model_of(args).network}
    torch.manual_seed(args.seed)
    networks |= {name: new_network(shape).eval() for name, shape in RANDOM.items()}
    print(f"{len(rows)} rows of {min(map(len, rows))}-{max(map(len, rows))} letters; largest difference\n")
    print(
        "| network | largest logit | from float64 equations | padded, from alone | in company, from alone |"
    )
    print("|---|---|---|---|---|")
    for name, network in networks.items():
        print(
            f"| {name} | {' | '.join(f'{value:.2g}' for value in differences(network, rows))} |", flush=True
        )


@torch.no_grad()
def logits(network, tokens) -> np.ndarray:
    tokens = torch.as_tensor(tokens)
    return network(input_ids=tokens, attention_mask=(tokens != PAD).long()).logits.double().numpy()


def differences(network, rows) -> tuple[float, float, float, float]:
    """The largest logit, and largest differences over all rows."""
    heads, weights = network.config.num_attention_heads, network.state_dict()
    together = logits(network, padded(rows))
    largest = exact = filled = company = 0.0
    for row, beside in zip(rows, together, strict=True):
        tokens = padded([row])
        alone = logits(network, tokens)[0]
        wanted = by_the_equations(weights, tokens[0], heads)
        longer = np.concatenate([tokens, np.full((1, 100), PAD)], 1)
        largest = max(largest, float(np.abs(alone).max()))
        exact = max(exact, float(np.abs(alone - wanted).max()))
        filled = max(filled, float(np.abs(logits(network, longer)[0, : len(alone)] - alone).max()))
        company = max(company, float(np.abs(beside[: len(alone)] - alone).max()))
    return largest, exact, filled, company


if __name__ == "__main__":
    main()
