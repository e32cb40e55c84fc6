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
from concurrent.futures import ThreadPoolExecutor, as_completed
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
from genoseq.hyena.tokenizer import A, letters_of

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
    nats : ndarray, shape (bases,), dtype float64
        Log probability of each base by the model, among the four bases at temperature 1; 0 for a first base
        that has nothing before it.
    scored : int
        Bases that have a log probability: all, or all but the first.
    """

    prompt: int
    number: int
    sequence: str
    nats: NDArray[np.float64]
    scored: int

    @property
    def log_likelihood(self) -> float:
        """Of the scored bases together, nats."""
        return float(self.nats.sum())


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

    On a CPU a batch is shared among as many threads as torch has; in the meantime torch has one.

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
    run = _Run(length, sampling, dtype == torch.bfloat16, progress)
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
        self, length: int, sampling: Sampling, autocast: bool, progress: Callable[[int], None] | None
    ) -> None:
        self.length, self.sampling, self.stopped = length, sampling, False
        self._autocast, self._progress, self._lock = autocast, progress, threading.Lock()

    def tell(self, count: int) -> None:
        """Tell the progress, one thread after the other."""
        if self._progress is not None:
            with self._lock:
                self._progress(count)

    @contextlib.contextmanager
    def computing(self, device: torch.device) -> Iterator[None]:
        """In the precision of the run; to be entered in each thread."""
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=self._autocast):
            yield


def _drawn(decoder: Decoder, jobs: Iterator[_Job], batch: int, run: _Run) -> Iterator[Sample]:
    """Batch by batch; one without prompts is never mixed with one with prompts."""
    for _, alike in itertools.groupby(jobs, lambda job: bool(len(job.ids))):
        while some := list(itertools.islice(alike, batch)):
            yield from _draw_batch(decoder, some, run)


def _draw_batch(decoder: Decoder, jobs: list[_Job], run: _Run) -> list[Sample]:
    """Read the prompts, then let each thread continue a part of the batch."""
    device = decoder.network.embeddings.word_embeddings.weight.device
    streams = [np.random.default_rng([run.sampling.seed, job.prompt, job.number]) for job in jobs]
    uniforms = torch.from_numpy(np.stack([stream.random(run.length) for stream in streams], 1)).to(device)
    with run.computing(device):
        tokens = torch.empty(run.length, len(jobs), dtype=torch.int64, device=device)
        nats = torch.zeros(run.length, len(jobs), dtype=torch.float64, device=device)
        if len(jobs[0].ids):
            own = {job.prompt: torch.from_numpy(job.ids.astype(np.int64)).to(device) for job in jobs}
            prompts, order = list(own.values()), list(own)
            rows, unscored = [order.index(job.prompt) for job in jobs], 0
        else:
            tokens[0] = A + (BASES * uniforms[0]).long()
            prompts, rows, unscored = list(tokens[0, :, None]), list(range(len(jobs))), 1
            run.tell(len(jobs))
        if unscored < run.length:
            logits = decoder.prefill(prompts)[rows]
            shares = _shares(len(jobs), torch.get_num_threads() if device.type == "cpu" else 1)
            # the state of long sequences is large: not copied where the batch can be drawn as it is
            as_it_is = len(shares) == 1 and rows == list(range(len(prompts)))
            decoders = [decoder] if as_it_is else [decoder.select(rows[share]) for share in shares]
            works = [
                _Work(own, logits[s], uniforms[:, s], tokens[:, s], nats[:, s], unscored)
                for own, s in zip(decoders, shares, strict=True)
            ]
            _work_all(works, run, device)
        found, scores = tokens.T.cpu().numpy(), nats.T.cpu().numpy()
    return [
        Sample(job.prompt, job.number, letters_of(row), score.copy(), run.length - unscored)
        for job, row, score in zip(jobs, found, scores, strict=True)
    ]


@dataclass(frozen=True)
class _Work:
    """Sequences that one thread draws: their last logits, and (length, sequences) of what goes in and out."""

    decoder: Decoder
    logits: Tensor
    uniforms: Tensor
    tokens: Tensor
    nats: Tensor
    first: int

    def do(self, run: _Run, device: torch.device) -> None:
        with run.computing(device):
            logits, decoder = self.logits, self.decoder
            for at in range(self.first, run.length):
                if run.stopped:
                    return
                if at > self.first:
                    logits = decoder.step(self.tokens[at - 1])
                self.tokens[at], self.nats[at] = draw(logits, self.uniforms[at], run.sampling)
                run.tell(len(logits))


def _work_all(works: list[_Work], run: _Run, device: torch.device) -> None:
    """One thread for each; those of torch would for most of the time wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        if len(works) == 1:
            works[0].do(run, device)
            return
        with ThreadPoolExecutor(len(works)) as pool:
            try:
                for done in as_completed([pool.submit(work.do, run, device) for work in works]):
                    done.result()
            except BaseException:  # also Ctrl-C: the others end before their next base
                run.stopped = True
                raise
    finally:
        torch.set_num_threads(threads)


def _shares(count: int, threads: int) -> list[slice]:
    """Cut a batch into parts of nearly the same size, one for each thread that is worth it."""
    parts = max(1, min(threads, count // _LEAST_ROWS))
    ends = [count * part // parts for part in range(parts + 1)]
    return [slice(start, end) for start, end in itertools.pairwise(ends)]
