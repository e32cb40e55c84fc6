"""Generation: one token at a time with a state, beside a full forward for every token.

    python benchmarks/hyena/generate_speed.py                   # the table, 3 minutes of one core
    python benchmarks/hyena/generate_speed.py --blocks 16 32 64 # also the size of the blocks of the decoder

The networks have the published shapes and random weights: the time does not depend on them, and they are
drawn so large that the whole past counts in the logits. Both ways continue the same prompt with the same
tokens, in turn, several rounds; CPU seconds of one thread. A full forward is timed at some of the steps,
spread evenly. Differences are the largest of all logits after the prompt from one full forward in float64: of
the state, and of a full forward in the same type.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable
from functools import partial
from statistics import median

import torch

from genoseq import __version__
from genoseq.hyena import decoder as module
from genoseq.hyena.config import RELEASED
from genoseq.hyena.decoder import Decoder
from genoseq.hyena.model import HyenaNetwork

NETWORKS = ("hyenadna-tiny-16k-seqlen-d128", "hyenadna-small-32k-seqlen")
TYPES = (torch.float32, torch.float64)


def network_of(name: str) -> HyenaNetwork:
    """A published shape with large random weights."""
    torch.manual_seed(0)
    network = HyenaNetwork(RELEASED[name]).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn(parameter.shape) / parameter.shape[-1] ** 0.5)
    return network


def cpu_seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def continued(network: HyenaNetwork, ids: torch.Tensor, prompt: int, rows: int = 1) -> torch.Tensor:
    """Logits (steps, vocabulary) after each token from the last of the prompt on, of the first of `rows`."""
    steps = ids.shape[1] - prompt
    first = Decoder(network, steps)
    found = [first.prefill(ids[:, :prompt])[0]]
    decoder = first.select([0] * rows)
    for at in range(prompt, ids.shape[1]):
        found.append(decoder.step(ids[:, at].expand(rows))[0])
    return torch.stack(found)


def against_forwards(args: argparse.Namespace) -> None:
    """The target: a prompt of 3,000 bases and 1,000 tokens after it."""
    length = args.prompt + args.tokens
    print(f"\n{args.prompt:,} bases of prompt and {args.tokens:,} tokens, batch 1, CPU seconds\n")
    print(
        "| network | type | full forwards | with a state | times as fast | difference | of a full forward |"
    )
    print("|---|---|---|---|---|---|---|")
    for name in NETWORKS:
        network = network_of(name)
        ids = torch.randint(7, 11, (1, length), generator=torch.Generator().manual_seed(1))
        with torch.inference_mode():
            wanted = network.double()(ids)[0, args.prompt - 1 :]
        at = [args.prompt + args.tokens * (2 * i + 1) // (2 * args.samples) for i in range(args.samples)]
        for dtype in TYPES:
            network = network.to(dtype)
            found = continued(network, ids, args.prompt)
            with torch.inference_mode():
                forward = network(ids)[0, args.prompt - 1 :]
            differences = [float((logits - wanted).abs().max()) for logits in (found, forward)]
            whole, ours = [], []
            for _ in range(args.rounds):
                with torch.inference_mode():
                    seconds = [cpu_seconds(partial(network, ids[:, :end])) for end in at]
                whole.append(args.tokens * sum(seconds) / len(seconds))
                ours.append(cpu_seconds(partial(continued, network, ids, args.prompt)))
            ratio = median(w / o for w, o in zip(whole, ours, strict=True))
            kind = str(dtype).removeprefix("torch.")
            print(
                f"| {name} | {kind} | {median(whole):,.0f} (from {args.samples} of {args.tokens:,}) "
                f"| {median(ours):.2f} | {ratio:,.0f} | {differences[0]:.1e} | {differences[1]:.1e} |",
                flush=True,
            )


def by_batch(args: argparse.Namespace) -> None:
    """Microseconds a token, prompt not counted."""
    print(f"\nCPU microseconds a token, {args.tokens:,} steps after a prompt of 100 bases, float64\n")
    print("| network | block | " + " | ".join(f"batch {rows}" for rows in args.batches) + " |")
    print("|---|---|" + "---|" * len(args.batches))
    for name in NETWORKS:
        network = network_of(name).double()
        ids = torch.randint(7, 11, (1, 100 + args.tokens), generator=torch.Generator().manual_seed(1))
        rounds: dict[tuple[int, int], list[float]] = {}
        for _ in range(args.rounds):
            for block in args.blocks:
                module._BLOCK = block
                for rows in args.batches:
                    seconds = cpu_seconds(partial(continued, network, ids, 100, rows))
                    rounds.setdefault((block, rows), []).append(1e6 * seconds / args.tokens / rows)
        for block in args.blocks:
            cells = " | ".join(f"{median(rounds[block, rows]):,.0f}" for rows in args.batches)
            print(f"| {name} | {block} | {cells} |", flush=True)
    module._BLOCK = 32


def by_length(args: argparse.Namespace) -> None:
    """What a token costs as the sequence grows."""
    print("\nCPU microseconds a token from one base on, batch 1, float64\n")
    print("| network | " + " | ".join(f"{length:,} tokens" for length in args.lengths) + " |")
    print("|---|" + "---|" * len(args.lengths))
    name = NETWORKS[0]
    network = network_of(name).double()
    cells = []
    for length in args.lengths:
        ids = torch.randint(7, 11, (1, 1 + length), generator=torch.Generator().manual_seed(1))
        cells.append(f"{1e6 * cpu_seconds(partial(continued, network, ids, 1)) / length:,.0f}")
    print(f"| {name} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--prompt", type=int, default=3000)
    parser.add_argument("--tokens", type=int, default=1000)
    parser.add_argument("--samples", type=int, default=8, help="full forwards that are timed")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8, 32, 64])
    parser.add_argument("--blocks", type=int, nargs="+", default=[32])
    parser.add_argument("--lengths", type=int, nargs="+", default=[1000, 4000, 16000])
    args = parser.parse_args()
    torch.set_num_threads(1)
    print(f"genoseq {__version__}, torch {torch.__version__}, {platform.machine()}, 1 thread")
    against_forwards(args)
    by_batch(args)
    by_length(args)


if __name__ == "__main__":
    main()
