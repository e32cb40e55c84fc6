"""Training of window encoders: pairs as described, both kinds learn on a small genome, runs repeat."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("tokenizers")

from genoseq.encoder.divergence import Divergence  # noqa: E402
from genoseq.encoder.rde import RdeConfig, RdeEncoder, train_tokenizer  # noqa: E402
from genoseq.encoder.window import SketchConfig, SketchEncoder, WindowNetwork  # noqa: E402
from genoseq.encoder.window_recall import PlacedReads, window_recall  # noqa: E402
from genoseq.encoder.window_train import CHECKPOINT, WindowTraining, draw_pairs, train_windows  # noqa: E402
from genoseq.errors import CheckpointError, InputError, UsageError  # noqa: E402
from genoseq.sequence import decode  # noqa: E402

PLAN = WindowTraining(
    steps=150,
    batch=64,
    fragment=(180, 220),
    read=(120, 150),
    divergence=Divergence((0.0, 0.2)),
    learning_rate=3e-3,
    log_every=50,
)


@pytest.fixture(scope="module")
def genome() -> np.ndarray:
    torch.set_num_threads(1)
    return np.random.default_rng(0).integers(0, 4, 40_000).astype(np.uint8)


def make(kind: str, genome: np.ndarray) -> WindowNetwork:
    torch.manual_seed(0)
    if kind == "sketch":
        return SketchEncoder(SketchConfig(channels=64, dim=32))
    config = RdeConfig(width=32, layers=1, heads=4, feed_forward=64, vocabulary=64, max_tokens=200)
    return RdeEncoder(config, train_tokenizer([genome], 64, bases=50_000))


def test_reads_lie_in_their_fragments(genome: np.ndarray) -> None:
    plan = WindowTraining(batch=50, fragment=(180, 220), read=(120, 150), divergence=Divergence((0.0, 0.0)))
    fragments, reads = draw_pairs([genome], plan, np.random.default_rng(0))
    assert len(fragments) == len(reads) == 50
    whole = decode(genome)
    for fragment, read in zip(fragments, reads, strict=True):
        assert 180 <= len(fragment) <= 220
        assert 120 <= len(read) <= 150
        assert decode(read) in decode(fragment)
        assert decode(fragment) in whole


def test_reads_diverge_as_asked(genome: np.ndarray) -> None:
    plan = WindowTraining(
        batch=200, fragment=(180, 180), read=(180, 180), divergence=Divergence((0.1, 0.1), (0, 0))
    )
    fragments, reads = draw_pairs([genome], plan, np.random.default_rng(0))
    different = np.mean([(f != r).mean() for f, r in zip(fragments, reads, strict=True)])
    assert different == pytest.approx(0.1, abs=0.01)
    plan = WindowTraining(
        batch=50, fragment=(180, 180), read=(180, 180), divergence=Divergence((0.1, 0.1), (1, 1))
    )
    _, reads = draw_pairs([genome], plan, np.random.default_rng(0))
    assert len({len(r) for r in reads}) > 3  # deletions used some fragments up


def test_unknown_bases_are_passed_over(genome: np.ndarray) -> None:
    holed = genome.copy()
    holed[::400] = 4
    fragments, _ = draw_pairs([holed], PLAN, np.random.default_rng(0))
    assert max(f.max() for f in fragments) < 4
    with pytest.raises(InputError, match="unknown bases"):
        draw_pairs([np.full(3_000, 4, np.uint8)], WindowTraining(batch=2), np.random.default_rng(0))


def test_short_genomes_and_lengths_are_refused() -> None:
    with pytest.raises(InputError, match="no contig is longer than a fragment of 2000 bp"):
        draw_pairs([np.zeros(1_500, np.uint8)], WindowTraining(), np.random.default_rng(0))
    with pytest.raises(UsageError, match="reads of 150 bp do not fit"):
        WindowTraining(fragment=(100, 200))


@pytest.mark.parametrize("kind", ["sketch", "rde"])
def test_training_raises_recall(kind: str, genome: np.ndarray) -> None:
    encoder = make(kind, genome)
    rng = np.random.default_rng(1)
    starts = rng.integers(0, len(genome) - 130, 200)
    codes = np.concatenate([genome[s : s + 130] for s in starts])
    struck = rng.random(len(codes)) < 0.15
    codes[struck] = rng.integers(0, 4, struck.sum())
    reads = PlacedReads(codes, np.arange(201) * 130, starts, starts + 130, np.zeros(200, bool))

    def recall() -> float:
        return window_recall(encoder, genome, reads, window=180, stride=60, hits=(5,))[0].placed

    before = recall()
    lines: list[dict] = []
    # the transformer costs ten times more a step, and learns in fewer
    plan = PLAN if kind == "sketch" else replace(PLAN, steps=60, batch=48, learning_rate=1e-2, log_every=20)
    train_windows(encoder, [genome], plan, log=lines.append)
    assert recall() > before + 0.1
    assert [line["step"] for line in lines] == [plan.log_every * i for i in (1, 2, 3)]
    assert lines[-1]["loss"] < 0.6 * np.log(plan.batch)  # the loss of guessing


def test_runs_are_repeatable(genome: np.ndarray) -> None:
    plan = WindowTraining(steps=3, batch=8, fragment=(180, 220), read=(120, 150))
    window = genome[:150]
    a, b = (
        train_windows(make("rde", genome), [genome], plan).encode(window, np.array([0, 150]))
        for _ in range(2)
    )
    np.testing.assert_array_equal(a, b)


class StoppedError(Exception):
    """A run is killed."""


def stop_at(step: int) -> Any:
    """A log that kills the run."""

    def log(line: dict[str, Any]) -> None:
        if line["step"] == step:
            raise StoppedError

    return log


@pytest.mark.parametrize("kind", ["sketch", "rde"])
def test_a_stopped_run_goes_on_to_the_same_weights(kind: str, genome: np.ndarray, tmp_path: Path) -> None:
    plan = WindowTraining(
        steps=6, batch=8, fragment=(180, 220), read=(120, 150), checkpoint_every=2, log_every=1
    )
    whole = train_windows(make(kind, genome), [genome], plan)
    with pytest.raises(StoppedError):
        train_windows(make(kind, genome), [genome], plan, log=stop_at(5), checkpoint=tmp_path)
    steps: list[int] = []
    resumed = train_windows(
        make(kind, genome),
        [genome],
        plan,
        log=lambda line: steps.append(line["step"]),
        checkpoint=tmp_path,
        resume=True,
    )
    assert steps == [5, 6]
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name


def test_checkpoints_of_other_runs_are_refused(genome: np.ndarray, tmp_path: Path) -> None:
    plan = WindowTraining(steps=1, batch=4, fragment=(180, 220), read=(120, 150))

    def resume(encoder: WindowNetwork, contig: np.ndarray, plan: WindowTraining) -> None:
        train_windows(encoder, [contig], plan, checkpoint=tmp_path, resume=True)

    with pytest.raises(CheckpointError, match="no checkpoint to resume"):
        resume(make("sketch", genome), genome, plan)
    train_windows(make("sketch", genome), [genome], plan, checkpoint=tmp_path)
    with pytest.raises(CheckpointError, match=r"other parameters \(batch\)"):
        resume(make("sketch", genome), genome, replace(plan, batch=5))
    with pytest.raises(CheckpointError, match=r"other parameters \(genomes\)"):
        resume(make("sketch", genome), genome[:-1], plan)
    with pytest.raises(CheckpointError, match=r"other parameters .*encoder"):
        resume(make("rde", genome), genome, plan)
    (tmp_path / CHECKPOINT).write_bytes(b"junk")
    with pytest.raises(CheckpointError, match="not a checkpoint of a window encoder"):
        resume(make("sketch", genome), genome, plan)
    with pytest.raises(UsageError, match="folder of the checkpoint"):
        train_windows(make("sketch", genome), [genome], plan, resume=True)
