"""One long sequence: inference in pieces beside the network as it is. Time, peak memory, and the difference.

    python benchmarks/hyena/long_context.py                     16 kb and 160 kb, both ways
    python benchmarks/hyena/long_context.py --lengths 1000000   the million
    python benchmarks/hyena/long_context.py --whole 450000      both ways up to this length

The architecture is that of hyenadna-large-1m-seqlen (6.55 M parameters), the weights and the bases are random
with a seed. Each run has a process of its own, whose peak of resident memory is told, and gives the mean of
the states; so neither way has to keep them. "whole" is `HyenaNetwork.states`. Differences are those of single
states, after the last norm: on one core, and beside them those of the whole on one core and on several, for
torch adds up in another order then.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from typing import Any

MODEL = "hyenadna-large-1m-seqlen"
GIB = 1 << 30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--lengths", type=int, nargs="+", default=[16_384, 160_000], metavar="BP")
    parser.add_argument("--whole", type=int, default=160_000, metavar="BP", help="longest for the usual way")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", default="fp32", choices=("fp32", "bf16"))
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(json.dumps(child(args.child, args.lengths[0], args.threads, args.precision)))
        return
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, {args.threads} threads")
    print(f"command: python {' '.join(sys.argv)}\n")
    print("| bp | way | CPU s | wall s | peak GiB | of it before |")
    print("|---|---|---|---|---|---|")
    for length in args.lengths:
        for way in ("pieces", "whole"):
            if way == "pieces" or length <= args.whole:
                print(line(length, way, ask(way, length, args)), flush=True)
    print(f"\n| bp | whole - pieces | whole on 1 core - on {args.threads} |")
    print("|---|---|---|")
    for length in args.lengths:
        if length <= args.whole:
            found = ask("differences", length, args)
            print(f"| {length:,} | {found['pieces']:.1e} | {found['cores']:.1e} |", flush=True)


def ask(way: str, length: int, args: argparse.Namespace) -> dict[str, Any]:
    """Run one way in a process of its own."""
    command = [sys.executable, __file__, "--child", way, "--lengths", str(length)]
    command += ["--threads", str(args.threads), "--precision", args.precision]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def line(length: int, way: str, found: dict[str, Any]) -> str:
    cells = [f"{found['cpu']:.1f}", f"{found['wall']:.1f}", f"{found['peak']:.2f}", f"{found['loaded']:.2f}"]
    return f"| {length:,} | {way} | {' | '.join(cells)} |"


def child(way: str, length: int, threads: int, precision: str) -> dict[str, Any]:
    import torch

    from genoseq.hyena.config import RELEASED
    from genoseq.hyena.hyenadna import HyenaDNA
    from genoseq.hyena.longcontext import Inference
    from genoseq.hyena.model import HyenaNetwork
    from genoseq.hyena.workers import Workers, one_core

    torch.manual_seed(1)
    model = HyenaDNA(HyenaNetwork(RELEASED[MODEL]).eval(), precision=precision)
    ids = torch.randint(7, 11, (1, length))
    loaded = peak()
    with model.inference(), Workers(threads, model.inference) as workers:
        if way == "differences":
            with one_core():
                whole = model.network.states(ids)
                pieces = (whole - Inference(model.network).states(ids, run=workers.map)).abs().max()
            torch.set_num_threads(threads)
            cores = (whole - model.network.states(ids)).abs().max()
            return {"pieces": float(pieces), "cores": float(cores)}
        cpu, wall = time.process_time(), time.perf_counter()
        if way == "whole":
            torch.set_num_threads(threads)
            mean = model.network.states(ids).mean(1)
        else:
            with one_core():
                reads = {None: lambda piece, states: states.sum(1)}
                parts = Inference(model.network).read(ids, reads, workers.map)[None]
            mean = sum(part for _, part in parts) / length
        seconds = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
    if not mean.isfinite().all():
        raise SystemExit("not finite")
    return {**seconds, "peak": peak(), "loaded": loaded}


def peak() -> float:
    """Largest resident set of this process so far, GiB."""
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / GIB


if __name__ == "__main__":
    main()
