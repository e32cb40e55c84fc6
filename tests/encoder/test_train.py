"""Training of the seed encoder: it learns, a resumed run ends as a whole one, bad checkpoints are named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import faiss
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from genoseq.encoder.anchors import AnchorWords  # noqa: E402
from genoseq.encoder.contexts import ContextPool  # noqa: E402
from genoseq.encoder.divergence import Divergence  # noqa: E402
from genoseq.encoder.plan import SeedTraining, Stage  # noqa: E402
from genoseq.encoder.seed import SeedEncoder  # noqa: E402
from genoseq.encoder.train import (  # noqa: E402
    CHECKPOINT,
    SeedTrainer,
    contrast,
    one_cycle,
    round_to,
    untrained,
)
from genoseq.encoder.validate import anchor_recall  # noqa: E402
from genoseq.errors import CheckpointError  # noqa: E402

WORDS = AnchorWords(("AC", "GA"))
SMALL = SeedTraining(
    stages=(
        Stage("global", 25, 1, 128, False, False, 20.0, 3e-3, Divergence((0.0, 0.25))),
        Stage("cell", 12, 4, 32, True, False, 15.0, 2e-3, Divergence((0.1, 0.3), kept=3)),
        Stage("codes", 8, 4, 32, True, True, 30.0, 1e-3, Divergence((0.05, 0.3), kept=3)),
    ),
    capacity=100,
    checkpoint_every=10,
    log_every=5,
)


@pytest.fixture(scope="module")
def pool() -> ContextPool:
    # order-3 Markov sequence: some words common, as in genomes
    rng = np.random.default_rng(0)
    model = rng.dirichlet(np.full(4, 2.0), 64).cumsum(1)
    draws, codes, state = rng.random(60_000), np.empty(60_000, np.uint8), 0
    for i, u in enumerate(draws):
        codes[i] = min(3, int((model[state] < u).sum()))
        state = (state * 4 + codes[i]) % 64
    return ContextPool.from_codes([[codes[:50_000]], [codes[50_000:]]], WORDS, 22)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> None:
    torch.set_num_threads(1)
    faiss.omp_set_num_threads(1)


def test_training_beats_the_untrained_tables(pool: ContextPool) -> None:
    config = SMALL.with_steps(200)
    lines: list[dict] = []
    trained = SeedTrainer(pool, config, log=lines.append).run()
    assert lines[0]["stage"] == "global"
    assert lines[-1]["stage"] == "codes"

    def recall(encoder):
        rows = anchor_recall(encoder, pool, divergences=(0.2,), queries=1500, rivals=20_000, capacity=100)
        return rows[0].pool

    before, after = recall(untrained(pool, config)), recall(trained)
    assert after > before + 0.05


@pytest.fixture(scope="module")
def whole(pool: ContextPool) -> SeedEncoder:
    """The weights of a run without interruption."""
    return SeedTrainer(pool, SMALL).run()


@pytest.mark.parametrize("stop", [17, 25, 41], ids=["within a stage", "between stages", "in the coded stage"])
def test_a_resumed_run_ends_as_an_uninterrupted_one(
    pool: ContextPool, whole: SeedEncoder, tmp_path: Path, stop: int
) -> None:
    first = SeedTrainer(pool, SMALL)
    first.run(tmp_path, stop_after=stop)
    first.save(tmp_path)
    second = SeedTrainer(pool, SMALL)
    second.resume(tmp_path)
    resumed = second.run(tmp_path)
    np.testing.assert_array_equal(resumed.table, whole.table)
    np.testing.assert_array_equal(resumed.codebook, whole.codebook)
    assert not list(tmp_path.glob(".*")), "a temporary file was left"


def test_the_seed_matters(pool: ContextPool) -> None:
    short = SMALL.with_steps(3)
    a, b = (SeedTrainer(pool, replace(short, seed=s)).run() for s in (0, 1))
    assert (a.table != b.table).any()


def test_a_checkpoint_of_another_plan_or_genome_is_refused(pool: ContextPool, tmp_path: Path) -> None:
    trainer = SeedTrainer(pool, SMALL)
    with pytest.raises(CheckpointError, match="no checkpoint"):
        trainer.resume(tmp_path)
    trainer.save(tmp_path)
    with pytest.raises(CheckpointError, match=r"other parameters \(seed\)"):
        SeedTrainer(pool, replace(SMALL, seed=5)).resume(tmp_path)
    other = ContextPool.from_codes([[pool.codes[:9000]]], WORDS, 22)
    with pytest.raises(CheckpointError, match="other genomes"):
        SeedTrainer(other, SMALL).resume(tmp_path)
    (tmp_path / CHECKPOINT).write_bytes((tmp_path / CHECKPOINT).read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="not a checkpoint"):
        trainer.resume(tmp_path)


def test_groups_come_from_one_cell_and_are_distinct(pool: ContextPool) -> None:
    trainer = SeedTrainer(pool, SMALL)
    picked = trainer._in_cells(SMALL.stages[1], np.random.default_rng(0)).reshape(4, 32)
    cells = trainer._groups.find(pool.near()[picked])
    assert (cells == cells[:, :1]).all()
    assert all(len(set(row)) == 32 for row in picked)


def test_small_genomes_are_drawn_more_than_their_share(pool: ContextPool) -> None:
    picked = SeedTrainer(pool, SMALL)._anywhere(4000, np.random.default_rng(0))
    share = (picked >= pool.genomes[1]).mean()
    sizes = np.diff(pool.genomes)
    assert share == pytest.approx(sizes[1] ** 0.5 / (sizes**0.5).sum(), abs=0.03)


def test_rounding_passes_gradients_to_vectors_and_codebook() -> None:
    book = torch.randn(16, 16, 4, requires_grad=True)
    z = torch.randn(5, 64, requires_grad=True)
    rounded = round_to(z, book)
    nearest = ((z.view(5, 16, 1, 4) - book) ** 2).sum(3).argmin(2)
    torch.testing.assert_close(rounded, book[torch.arange(16), nearest].flatten(1))
    weight = torch.randn(5, 64)
    (rounded * weight).sum().backward()
    torch.testing.assert_close(z.grad, weight)
    assert book.grad.abs().sum() > 0


def test_contrast_is_small_only_for_the_right_partner() -> None:
    z = torch.nn.functional.normalize(torch.randn(64, 64), dim=1)
    stage = replace(SMALL.stages[1], groups=2, group_size=32)
    right, accuracy = contrast(z, z, stage, None)
    wrong, _ = contrast(z, z.roll(1, 0), stage, None)
    assert accuracy == 1
    assert right < 0.1 < 5 < wrong


def test_learning_rate_rises_and_falls() -> None:
    rates = [one_cycle(x / 100) for x in range(1, 101)]
    assert max(rates) == pytest.approx(1, abs=1e-3)
    assert rates.index(max(rates)) in (8, 9, 10)
    assert rates[-1] == pytest.approx(0, abs=1e-9)


def test_steps_are_shared_over_the_stages() -> None:
    shared = SeedTraining().with_steps(105).stages
    assert [s.steps for s in shared] == [round(s.steps / 100) for s in SeedTraining().stages]
    assert all(s.steps == 1 for s in SeedTraining().with_steps(1).stages)
