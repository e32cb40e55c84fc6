"""Draw DNA from a HyenaDNA model: sequences that continue a prompt, or start from nothing.

Bases are drawn one after the other, each from what the model expects after all those before it. Only A, C, G
and T are drawn. The output is FASTA with the drawn bases, without the prompt; the header of a record tells
its prompt and how it was drawn, and log_likelihood= of its bases by the model, in nats. A sequence follows
from the model, the seed, the options of the group Sampling, its prompt and the number of that: batches,
threads and the device change nothing (with --precision bf16 rounding may).

Prompts are letters (--prompt) or the records of a file (--prompts), in either case; N is known to the model,
other IUPAC letters are read as N. Without a prompt the first base is drawn uniformly. A prompt and what
follows must fit the context of the model.

Examples:
  genoseq generate -m hyena-tiny --prompt ACGTGATTACA -n 5 --length 500 --temperature 0.8 --top-k 4 --seed 1
  genoseq generate -m LongSafari/hyenadna-small-32k-seqlen-hf --prompts promoters.fa -l 2000 -o drawn.fa.gz
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from genoseq.cli import _options
from genoseq.cli._hyena import add_model_options, load_model

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from genoseq.hyena.config import HyenaConfig
    from genoseq.hyena.generate import Sample

_LONGEST = 10**7
_MOST_SAMPLES = 10**6
_LINE = 80  # letters; the width that FASTA is usually given


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `genoseq generate`."""
    prompt = parser.add_argument_group("Prompt")
    either = prompt.add_mutually_exclusive_group()
    either.add_argument(
        "--prompt", metavar="LETTERS", help="bases to continue (default: none, start from nothing)"
    )
    either.add_argument(
        "--prompts", metavar="FILE", help="FASTA, FASTQ or BAM; each record is continued; - for stdin"
    )
    add_model_options(parser.add_argument_group("Model"))
    sampling = parser.add_argument_group("Sampling")
    sampling.add_argument(
        "-n",
        "--number",
        type=_options.bounded_int(1, _MOST_SAMPLES),
        default=1,
        metavar="N",
        help="sequences for each prompt",
    )
    sampling.add_argument(
        "-l",
        "--length",
        type=_options.bounded_int(1, _LONGEST),
        default=200,
        metavar="BP",
        help="bases to draw after each prompt",
    )
    sampling.add_argument(
        "--temperature",
        type=_options.bounded_float(0, 1000),
        default=1.0,
        metavar="T",
        help="1: as the model finds the bases; lower: the probable ones more often; 0: the most probable one",
    )
    sampling.add_argument(
        "--top-k",
        type=_options.bounded_int(1, 4),
        default=4,
        metavar="K",
        help="draw from the K most probable bases",
    )
    sampling.add_argument(
        "--top-p",
        type=_options.share,
        default=1.0,
        metavar="P",
        help="draw from the fewest most probable bases that together have the probability P",
    )
    output = parser.add_argument_group("Output")
    output.add_argument(
        "-o",
        "--output",
        default="-",
        metavar="FILE",
        help="FASTA, compressed if the name ends in .gz; - for stdout",
    )
    output.add_argument("--with-prompt", action="store_true", help="write each prompt before what follows it")
    output.add_argument(
        "--batch",
        type=_options.bounded_int(1, 4096),
        metavar="N",
        help="most sequences at once; memory and speed only (default: what 1 GiB is enough for, up to 64)",
    )


def run(args: argparse.Namespace) -> None:
    """Draw and write the sequences."""
    from genoseq.cli._progress import Progress
    from genoseq.hyena.tokenizer import warn_of_others
    from genoseq.io.fastq import check_fastq_name, open_fastq
    from genoseq.io.files import check_distinct, check_output

    check_distinct({"-o": args.output, "--json": args.json}, [args.prompts])
    check_fastq_name("-o", args.output, fasta=True)
    check_output(args.output)
    if args.json:
        check_output(args.json)
    model = load_model(args)
    from genoseq.hyena.sampling import Sampling

    sampling = Sampling(args.temperature, args.top_k, args.top_p, args.seed)
    prompts = _Prompts(args, model.config)
    total = None if args.prompts else args.number * args.length
    summary = _Summary()
    with open_fastq(args.output) as out, Progress("drawing", "bp", total, quiet=args.quiet) as progress:
        samples = model.sample(
            prompts.tokens(), args.length, sampling, n=args.number, batch=args.batch, progress=progress.add
        )
        for sample in samples:
            out.write(_record(sample, *prompts.of(sample), args, model.name))
            summary.add(sample)
    values = summary.values()
    warn_of_others(prompts.others)
    if args.json:
        from genoseq.io.table import write_json

        run_values = {
            "command": "generate",
            "command_line": args.command_line,
            "model": model.name,
            "device": str(model.device),
            "precision": model.precision,
            "prompts": prompts.count,
        }
        write_json(args.json, run_values | values)
    if not args.quiet:
        text = f"{values['sequences']:,} sequences, {values['tokens']:,} bp"
        if values["bits_per_base"] is not None:
            text += (
                f", {values['tokens_per_second']:,.0f} bp a second, {values['bits_per_base']:.3f} bits a base"
            )
        print(f"genoseq generate: {text}", file=sys.stderr)


class _Prompts:
    """Names and tokens of the prompts, read as they are needed and kept until their last sequence."""

    def __init__(self, args: argparse.Namespace, config: HyenaConfig) -> None:
        self._args, self._config = args, config
        self._waiting: dict[int, tuple[str, NDArray[np.uint8]]] = {}
        self.count = self.others = 0

    def tokens(self) -> Iterator[NDArray[np.uint8]]:
        """The tokens of one prompt after the other.

        Raises
        ------
        InputError
            If the file cannot be read, or two of its records have one name.
        UsageError
            If a prompt does not fit the model, with its name.
        """
        from genoseq.hyena.generate import check_room

        for name, ids in self._named():
            shown = f"the prompt {name}" if self._args.prompts else "the prompt"
            check_room(len(ids), self._args.length, self._config, shown)
            self._waiting[self.count] = name, ids
            self.count += 1
            yield ids

    def of(self, sample: Sample) -> tuple[str, NDArray[np.uint8]]:
        """Name and tokens of the prompt of a sequence; to be asked for once, in order."""
        if sample.number == self._args.number - 1:
            return self._waiting.pop(sample.prompt)
        return self._waiting[sample.prompt]

    def _named(self) -> Iterator[tuple[str, NDArray[np.uint8]]]:
        from genoseq.errors import InputError
        from genoseq.io.fastx import read_batches

        if self._args.prompts is None:
            try:
                yield "sample", self._read(self._args.prompt or "")
            except InputError as error:
                raise InputError(error.message, "--prompt") from error
            return
        seen: set[str] = set()
        for batch in read_batches(self._args.prompts):
            for i in range(len(batch)):
                name = batch.names[batch.name_offsets[i] : batch.name_offsets[i + 1]].tobytes().decode()
                if name in seen:
                    raise InputError(
                        f"two records are named {name}; give each its own name", self._args.prompts
                    )
                seen.add(name)
                yield name, self._read(batch.letters[batch.offsets[i] : batch.offsets[i + 1]].tobytes())

    def _read(self, letters: str | bytes) -> NDArray[np.uint8]:
        from genoseq.hyena.tokenizer import tokens_of_text

        tokens, others = tokens_of_text(letters)
        self.others += others
        return tokens


class _Summary:
    """What was drawn, how fast, and how probable the model finds it."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._sequences = self._bases = 0
        self._nats = self._scored = 0.0

    def add(self, sample: Sample) -> None:
        self._sequences += 1
        self._bases += len(sample.sequence)
        self._scored += sample.score.bases
        self._nats += sample.score.nats

    def values(self) -> dict[str, Any]:
        """For JSON; the log-likelihood in nats a base."""
        from genoseq.hyena.scores import BITS

        seconds = time.perf_counter() - self._start
        mean = self._nats / self._scored if self._scored else None
        return {
            "sequences": self._sequences,
            "tokens": self._bases,
            "seconds": round(seconds, 3),
            "tokens_per_second": round(self._bases / max(seconds, 1e-9), 1),
            "mean_log_likelihood": mean,
            "bits_per_base": None if mean is None else -mean * BITS,
        }


def _record(
    sample: Sample, prompt: str, ids: NDArray[np.uint8], args: argparse.Namespace, model: str
) -> bytes:
    """A sequence as FASTA."""
    from genoseq.hyena.tokenizer import letters_of

    told = {
        "prompt_bp": len(ids),
        "drawn_bp": len(sample.sequence),
        "log_likelihood": f"{sample.score.nats:.4f}",
        "temperature": f"{args.temperature:g}",
        "top_k": args.top_k,
        "top_p": f"{args.top_p:g}",
        "seed": args.seed,
        "model": "_".join(model.split()),
    }
    words = " ".join(f"{name}={value}" for name, value in told.items())
    letters = (letters_of(ids) if args.with_prompt else "") + sample.sequence
    lines = [letters[at : at + _LINE] for at in range(0, len(letters), _LINE)]
    return "\n".join([f">{prompt}_{sample.number + 1} {words}", *lines, ""]).encode()
