"""HyenaDNA for a notebook: load a model by name, embed, score, generate.

model = HyenaDNA.load("hyenadna-tiny-1k-seqlen")
vectors = model.embed(["ACGT", "GATTACA"])
nats = model.log_likelihood(["ACGTGATTACA"])
bases = model.generate("ACGTGATTACA", n=5, length=200, temperature=0.8)
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from genoseq.errors import UsageError
from genoseq.hyena.alleles import Variant, VariantWindow
from genoseq.hyena.config import HyenaConfig
from genoseq.hyena.generate import Sample, generate
from genoseq.hyena.longcontext import MEMORY
from genoseq.hyena.model import HyenaNetwork, check_length
from genoseq.hyena.mutagenesis import saturate
from genoseq.hyena.sampling import Sampling
from genoseq.hyena.scores import Score
from genoseq.hyena.stream import Stream, Wanted, score_of, vectors_of
from genoseq.hyena.tokenizer import tokens_of_text, tokens_of_texts, warn_of_others
from genoseq.hyena.variants import VariantScorer, VariantScores
from genoseq.hyena.weights import read_network
from genoseq.hyena.windows import check_window
from genoseq.index.genome import Genome, open_genome
from genoseq.models.device import choose_device
from genoseq.models.hub import find_weights, pull
from genoseq.models.registry import find_model


class HyenaDNA:
    """A HyenaDNA model, ready for use.

    Parameters
    ----------
    network : HyenaNetwork
        In evaluation mode, on the device that it shall run on.
    name : str
        For messages.
    precision : str
        Type of the matrix products: "fp32", or "bf16" by autocast. Convolutions are in float32 anyway.
    """

    def __init__(self, network: HyenaNetwork, name: str = "HyenaDNA", *, precision: str = "fp32") -> None:
        if precision not in ("fp32", "bf16"):
            raise UsageError(f"precision {precision!r}: choose fp32 or bf16")
        self.network, self.name, self.precision = network, name, precision

    @classmethod
    def load(
        cls, name: str | Path, *, device: str = "auto", precision: str = "fp32", download: bool = False
    ) -> HyenaDNA:
        """Load a model by its name, or from a folder or a file of weights.

        Parameters
        ----------
        name : path
            A known name (``genoseq models list``), a folder with ``config.json`` and weights, or a file.
        device : str
            "cpu", "cuda", or "auto": a GPU if there is one.
        precision : str
            "fp32" or "bf16".
        download : bool
            Fetch a published model that is not on this machine.

        Raises
        ------
        UsageError
            If the name is unknown, or the device is not there.
        CheckpointError
            If the weights are not here, damaged, or of another model.
        """
        chosen = choose_device(device)
        known = None if Path(name).exists() else find_model(str(name))
        if known is not None and known.kind != "hyena":
            raise UsageError(f"{known.name} is a model of the kind {known.kind}; a HyenaDNA model is needed")
        path = pull(known) if known is not None and download else find_weights(name)
        network, _ = read_network(path)
        shown = known.name if known is not None else str(name)
        return cls(network.to(chosen), shown, precision=precision)

    @property
    def config(self) -> HyenaConfig:
        """The shape of the network."""
        return self.network.config

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.network.parameters()).device

    @contextlib.contextmanager
    def inference(self) -> Iterator[None]:
        """No gradients, and matrix products in the precision of the model, for the length of a block."""
        bf16 = self.precision == "bf16"
        with torch.inference_mode(), torch.autocast(self.device.type, torch.bfloat16, enabled=bf16):
            yield

    def embed(
        self,
        sequences: Sequence[str],
        *,
        pool: str = "mean",
        layer: int | None = None,
        window: int | None = None,
        overlap: int = 0,
        memory: int = MEMORY,
    ) -> NDArray[np.float32] | list[NDArray[np.float32]]:
        """Vectors of sequences.

        Parameters
        ----------
        sequences : sequence of str
            Bases; case makes no difference, IUPAC codes other than A, C, G, T are read as N. Any lengths.
        pool : str
            "mean" of the states of all bases, the "last" of them, which has seen all others, or "none": all.
        layer : int, optional
            States after so many blocks, 0 to ``config.n_layer`` (0: the embedding); by default the last ones,
            after the last norm.
        window, overlap : int
            Cut longer sequences into windows of `window` bp that share `overlap` bp.
        memory : int
            Bytes that the tables of the longest window may take.

        Returns
        -------
        ndarray, shape (n, channels), dtype float32
            With `pool` "mean" or "last"; with `window` a list of (windows, channels), one for each sequence.
        list of ndarray, shape (bases, channels), dtype float32
            With "none". In an overlap, the states of the window that has seen more.

        Raises
        ------
        UsageError
            If a sequence is longer than the model and there is no `window`, or an argument makes no sense.
        InputError
            If a sequence is empty or holds other letters.
        """
        tokens = self._tokens(sequences, window, overlap)
        stream = Stream(self.network, Wanted(pool, layer), self.inference, memory=memory)
        found = stream.sequences(tokens, window, overlap)
        rows = [vectors_of(parts, each_base=pool == "none") for parts in found]
        if pool == "none" or window is not None:
            return rows
        return np.concatenate(rows) if rows else np.empty((0, self.config.d_model), np.float32)

    def log_likelihood(
        self,
        sequences: Sequence[str],
        *,
        both_strands: bool = True,
        per_base: bool = False,
        window: int | None = None,
        overlap: int = 0,
        memory: int = MEMORY,
    ) -> NDArray[np.float64] | list[NDArray[np.float32]]:
        """How probable the model finds sequences, in nats. `scores` has bits/base as well.

        Returns
        -------
        ndarray, shape (n,), dtype float64
            Log-likelihood of each sequence: `Score.nats`.
        list of ndarray, shape (bases,), dtype float32
            With `per_base`: `Score.per_base`.

        Raises
        ------
        UsageError, InputError
            As `embed`.
        """
        scores = self.scores(
            sequences, both_strands=both_strands, window=window, overlap=overlap, memory=memory
        )
        if per_base:
            return [score.per_base for score in scores]
        return np.array([score.nats for score in scores], np.float64)

    def scores(
        self,
        sequences: Sequence[str],
        *,
        both_strands: bool = True,
        window: int | None = None,
        overlap: int = 0,
        memory: int = MEMORY,
    ) -> list[Score]:
        """How probable the model finds sequences: log-likelihood, bits/base, and of each base.

        Parameters
        ----------
        sequences, memory
            As in `embed`.
        both_strands : bool
            Read the reverse complement too and take the mean (`genoseq.hyena.scores`).
        window, overlap : int
            Cut longer sequences into windows of `window` bp. Each base is scored once, given at least
            `overlap` bases before it; without an overlap the first base of a window is not scored.

        Raises
        ------
        UsageError, InputError
            As `embed`.
        """
        tokens = self._tokens(sequences, window, overlap)
        stream = Stream(self.network, Wanted(nats=True), self.inference, memory=memory)
        found = stream.sequences(tokens, window, overlap, both_strands=both_strands)
        return [score_of(parts) for parts in found]

    def generate(
        self,
        prompt: str | Sequence[str] = "",
        n: int = 1,
        length: int = 200,
        *,
        temperature: float = 1.0,
        top_k: int = 4,
        top_p: float = 1.0,
        seed: int = 1,
        batch: int | None = None,
    ) -> list[str]:
        """Draw bases that continue a prompt, or several; `sample` also tells how probable they are.

        Only A, C, G and T are drawn. The same seed gives the same sequences, whatever `batch` is.

        Parameters
        ----------
        prompt : str or sequence of str
            Letters that stand before, of any lengths. With "" the first base is drawn uniformly.
        n : int
            Sequences for each prompt.
        length : int
            Bases of each, without the prompt.
        temperature : float
            0 (the most probable base always) or more; 1: as the model finds them.
        top_k : int
            Draw from so many most probable bases, 1 to 4.
        top_p : float
            Draw from the fewest most probable bases that together have this share.
        seed : int
            Start of the random numbers.
        batch : int, optional
            Most sequences that are drawn at once; by default what memory of 1 GiB is enough for.

        Returns
        -------
        list of str
            Without the prompts; `n` for the first prompt, then those of the next.

        Raises
        ------
        UsageError
            If a number is out of its range, or a prompt and what is to follow are longer than the model.
        InputError
            For a letter of a prompt outside the IUPAC alphabet.
        """
        read = [tokens_of_text(text) for text in ([prompt] if isinstance(prompt, str) else prompt)]
        warn_of_others(sum(others for _, others in read))
        sampling = Sampling(temperature, top_k, top_p, seed)
        samples = self.sample([tokens for tokens, _ in read], length, sampling, n=n, batch=batch)
        return [sample.sequence for sample in samples]

    def sample(
        self,
        prompts: Iterable[NDArray[np.uint8]],
        length: int,
        sampling: Sampling | None = None,
        *,
        n: int = 1,
        batch: int | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Iterator[Sample]:
        """Draw bases that continue prompts, with the log probability of each (`genoseq.hyena.generate`).

        A model of precision fp32 computes in float64 here: the reason stands there.

        Parameters
        ----------
        prompts : iterable of ndarray, each of shape (bases,), dtype uint8
            Tokens (`genoseq.hyena.tokenizer`). Read as they are needed.
        length : int
            Bases to draw after each.
        sampling : Sampling, optional
            Temperature, top-k, top-p and seed.
        n : int
            Sequences for each prompt.
        batch, progress
            As of `genoseq.hyena.generate.generate`.

        Yields
        ------
        Sample

        Raises
        ------
        UsageError
            As `generate`.
        """
        dtype = torch.float64 if self.precision == "fp32" else torch.bfloat16
        return generate(
            self.network, prompts, length, sampling, samples=n, batch=batch, dtype=dtype, progress=progress
        )

    def _tokens(self, sequences: Sequence[str], window: int | None, overlap: int) -> list[NDArray[np.uint8]]:
        """Tokens of sequences that the model can take."""
        check_window(window, overlap, self.config.l_max)

        def fits(length: int) -> None:
            if window is None:
                check_length(length, self.config)

        tokens, others = tokens_of_texts(sequences, fits)
        warn_of_others(others)
        return tokens

    def score_variants(
        self,
        variants: Iterable[tuple[str, int, str, str]],
        reference: str | Path | Mapping[str, str] | Genome,
        *,
        window: int | None = None,
        step: int | None = None,
        both_strands: bool = True,
        skip_bad: bool = False,
    ) -> VariantScores:
        """Log-likelihood of ALT minus that of REF, zero-shot (`genoseq.hyena.variants`).

        Parameters
        ----------
        variants : iterable of (contig, position, ref, alt)
            Positions are 0-based, of the first base of `ref`: POS of VCF less one.
        reference : path, mapping of str to str, or Genome
            FASTA, or letters by contig.
        window : int, optional
            Of REF or ALT with its flanks, bp; by default what the model holds, at most 4,096.
        step : int, optional
            Windows begin on a grid of so many bp, so that variants share them; by default an eighth.
        both_strands : bool
            The mean of both strands, else the forward strand.
        skip_bad : bool
            Leave variants that do not fit the reference without a score; else they are an error.

        Raises
        ------
        UsageError
            If the window is longer than the model, or an argument makes no sense.
        InputError
            If the reference cannot be read, or a variant does not fit it.
        """
        how = VariantWindow.of(self.config, window, step, both_strands=both_strands)
        scorer = VariantScorer(self, open_genome(reference), how)
        return scorer.score((Variant(*variant) for variant in variants), skip_bad=skip_bad)

    def saturate(
        self, sequence: str, *, window: int | None = None, step: int | None = None, both_strands: bool = True
    ) -> NDArray[np.float64]:
        """Scores of all substitutions of a sequence: in-silico mutagenesis.

        Parameters
        ----------
        sequence : str
            Bases; of any length.
        window, step, both_strands
            As in `score_variants`.

        Returns
        -------
        ndarray, shape (length, 4), dtype float64
            Score of A, C, G and T at each base, nats; NaN for the base that is there, and at an N.

        Raises
        ------
        UsageError, InputError
            As `score_variants`.
        """
        how = VariantWindow.of(self.config, window, step, both_strands=both_strands)
        scorer = VariantScorer(self, open_genome({"sequence": sequence}), how)
        return saturate(scorer, "sequence", 0, len(sequence)).llr
