"""Generation: draw bases one after the other, each from what the network expects after those before it.

The released models were trained without a token that starts a sequence. Where there is no prompt, the first
base is drawn uniformly, whatever temperature, top-k and top-p are, and has no score.

Every sequence has a stream of random numbers of its own, which follows from the seed, the number of its
prompt and its number among those of the prompt. So it stays the same when more are drawn, or longer ones, or
in batches of another size. Rounding would undo that: the last bits of a matrix product depend on the size of
the batch, on the number of threads and on the processor, and once in some million draws they decide between
two bases. So the network works in float64 here, where this is as good as never (once in 10^14 draws).
"""

from __future__ import annotations

import contextlib
import copy
import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genoseq.errors import UsageError
from genoseq.hyena.config import HyenaConfig
from genoseq.hyena.decoder import Decoder
from genoseq.hyena.model import HyenaNetwork
from genoseq.hyena.sampling import BASES, Sampling, draw
from genoseq.hyena.scores import Score
from genoseq.hyena.tokenizer import A, letters_of
from genoseq.hyena.workers import Workers, one_core

_LARGEST_BATCH = 64  # sequences; more are hardly faster for one (benchmarks/hyena/generate_speed.py)
_STATE = 1 << 26  # numbers in the states of a batch: 1/2 GiB in float64, twice while it begins
_LEAST_ROWS = 8  # of a thread: with fewer the interpreter, which threads share, is most of the time


@dataclass(frozen=True)
class Sample:
    """A sequence that was drawn.

    Attributes
    ----------
    prompt : int
        Number of the prompt that it continues, from 0 on.
    number : int
        Its own number among those of the prompt, from 0 on.
    sequence : str
        The bases that were drawn, without the prompt.
    score : Score
        How probable the model finds them, given the prompt, on this strand: at temperature 1, before top-k
        and top-p. A first base that has nothing before it is not scored.
    """

    prompt: int
    number: int
    sequence: str
    score: Score


def generate(
    network: HyenaNetwork,
    prompts: Iterable[NDArray[np.uint8]],
    length: int,
    sampling: Sampling | None = None,
    *,
    samples: int = 1,
    batch: int | None = None,
    dtype: torch.dtype = torch.float64,
    progress: Callable[[int], None] | None = None,
) -> Iterator[Sample]:
    """Continue prompts.

    On a CPU a batch is shared among as many threads as torch has.

    Parameters
    ----------
    network : HyenaNetwork
    prompts : iterable of ndarray, each of shape (bases,), dtype uint8
        Tokens, of any lengths; N is a token too. Read as they are needed.
    length : int
        Bases to draw after each, 1 or more.
    sampling : Sampling, optional
    samples : int
        Sequences for each prompt, 1 or more.
    batch : int, optional
        Most sequences that are drawn at once; by default 64, or as many as 1 GiB is enough for.
    dtype : torch.dtype
        float64; float32, or bfloat16 (matrix products by autocast), where speed counts more than that the
        same seed gives the same sequences anywhere.
    progress : function, optional
        Called with the number of bases that were drawn since the last call.

    Yields
    ------
    Sample
        Those of the first prompt, of the second, and so on.

    Raises
    ------
    UsageError
        If a number is out of its range, or a prompt and what is to follow are longer than the model.
    """
    sampling = Sampling() if sampling is None else sampling
    check_room(0, length, network.config)
    for name, value in (("samples", samples), ("batch", 1 if batch is None else batch)):
        if value < 1:
            raise UsageError(f"{name} is {value}; 1 or more is expected")
    wanted = torch.float64 if dtype == torch.float64 else torch.float32
    if next(network.parameters()).dtype != wanted:
        network = copy.deepcopy(network).to(wanted)
    if batch is None:
        numbers = network.config.n_layer * network.config.d_model * length
        batch = max(1, min(_LARGEST_BATCH, _STATE // numbers))
    run = _Run(length, sampling, network.embeddings.word_embeddings.weight.device, dtype, progress)
    return _drawn(Decoder(network, length - 1), _jobs(prompts, samples, length, network.config), batch, run)


def check_room(prompt: int, length: int, config: HyenaConfig, name: str = "the prompt") -> None:
    """Refuse what does not fit a model.

    Parameters
    ----------
    prompt, length : int
        Bases of a prompt, and to draw after it.
    name : str
        Of the prompt, for the message.

    Raises
    ------
    UsageError
        If nothing is to be drawn, or both together are longer than the model.
    """
    if length < 1:
        raise UsageError(f"length {length}: the number of bases to draw, 1 or more, is expected")
    if prompt + length > config.l_max:
        if prompt:
            found = f"{name} has {prompt:,} bases and {length:,} are to follow, more than"
        else:
            found = f"{length:,} bases are to be drawn, more than"
        raise UsageError(
            f"{found} the {config.l_max:,} that this model holds; draw less, shorten the prompt, or take a "
            "model of a longer context (genoseq models list)"
        )


@dataclass(frozen=True)
class _Job:
    """A sequence to draw."""

    prompt: int
    number: int
    ids: NDArray[np.uint8]


def _jobs(
    prompts: Iterable[NDArray[np.uint8]], samples: int, length: int, config: HyenaConfig
) -> Iterator[_Job]:
    for prompt, ids in enumerate(prompts):
        check_room(len(ids), length, config, f"prompt {prompt + 1}")
        for number in range(samples):
            yield _Job(prompt, number, ids)


class _Run:
    """What the threads of a run share."""

    def __init__(
        self,
        length: int,
        sampling: Sampling,
        device: torch.device,
        dtype: torch.dtype,
        progress: Callable[[int], None] | None,
    ) -> None:
        self.length, self.sampling, self.device, self.stopped = length, sampling, device, False
        self.threads = torch.get_num_threads() if device.type == "cpu" else 1
        self._autocast, self._progress, self._lock = dtype == torch.bfloat16, progress, threading.Lock()

    def tell(self, count: int) -> None:
        """Tell the progress, one thread after the other."""
        if self._progress is not None:
            with self._lock:
                self._progress(count)

    @contextlib.contextmanager
    def computing(self) -> Iterator[None]:
        """In the precision of the run; to be entered in each thread."""
        with torch.inference_mode(), torch.autocast(self.device.type, torch.bfloat16, enabled=self._autocast):
            yield

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """If one thread ends by an error or Ctrl-C, the others shall not draw to the end."""
        try:
            yield
        except BaseException:
            self.stopped = True
            raise


def _drawn(decoder: Decoder, jobs: Iterator[_Job], batch: int, run: _Run) -> Iterator[Sample]:
    """Batch by batch; one without prompts is never mixed with one with prompts."""
    for _, alike in itertools.groupby(jobs, lambda job: bool(len(job.ids))):
        while some := list(itertools.islice(alike, batch)):
            yield from _draw_batch(decoder, some, run)


def _draw_batch(decoder: Decoder, jobs: list[_Job], run: _Run) -> list[Sample]:
    """Read the prompts, then let each thread continue a part of the batch."""
    streams = [np.random.default_rng([run.sampling.seed, job.prompt, job.number]) for job in jobs]
    uniforms = np.stack([stream.random(run.length) for stream in streams], 1)  # (length, batch)
    with Workers(run.threads, run.computing) as workers, one_core(), run.computing(), run.together():
        drawn = _Drawn(
            torch.from_numpy(uniforms).to(run.device),
            torch.empty(uniforms.shape, dtype=torch.int64, device=run.device),
            torch.full(uniforms.shape, torch.nan, dtype=torch.float64, device=run.device),
        )
        if len(jobs[0].ids):
            own = {job.prompt: torch.from_numpy(job.ids.astype(np.int64)).to(run.device) for job in jobs}
            prompts, order = list(own.values()), list(own)
            rows, first = [order.index(job.prompt) for job in jobs], 0
        else:
            drawn.tokens[0] = A + (BASES * drawn.uniforms[0]).long()
            prompts, rows, first = list(drawn.tokens[0, :, None]), list(range(len(jobs))), 1
            run.tell(len(jobs))
        if first < run.length:
            logits = decoder.prefill(prompts, workers.map)[rows]
            shares = _shares(len(jobs), run.threads)
            if len(shares) > 1:
                parts = [(decoder.select(rows[s]), logits[s], drawn.part(s)) for s in shares]
                workers.map(lambda part: _continue(*part, first, run), parts)
            else:
                # the state of long sequences is large: not copied where there is no need
                same = rows == list(range(len(prompts)))
                _continue(decoder if same else decoder.select(rows), logits, drawn, first, run)
        tokens, nats = drawn.tokens.T.cpu().numpy(), drawn.nats.T.cpu().numpy()
    return [
        Sample(job.prompt, job.number, letters_of(row), Score.of([score]))
        for job, row, score in zip(jobs, tokens, nats, strict=True)
    ]


@dataclass(frozen=True)
class _Drawn:
    """Random numbers, tokens and log probabilities of sequences, (length, sequences) each."""

    uniforms: Tensor
    tokens: Tensor
    nats: Tensor

    def part(self, sequences: slice) -> _Drawn:
        return _Drawn(self.uniforms[:, sequences], self.tokens[:, sequences], self.nats[:, sequences])


def _continue(decoder: Decoder, logits: Tensor, drawn: _Drawn, first: int, run: _Run) -> None:
    """Draw the bases from number `first` on; `logits` are of that one."""
    with run.together():
        for at in range(first, run.length):
            if run.stopped:
                return
            if at > first:
                logits = decoder.step(drawn.tokens[at - 1])
            drawn.tokens[at], drawn.nats[at] = draw(logits, drawn.uniforms[at], run.sampling)
            run.tell(len(logits))


def _shares(count: int, threads: int) -> list[slice]:
    """Cut a batch into parts of nearly the same size, one for each thread that is worth it."""
    parts = max(1, min(threads, count // _LEAST_ROWS))
    ends = [count * part // parts for part in range(parts + 1)]
    return [slice(start, end) for start, end in itertools.pairwise(ends)]
