"""Training of a masked language model: it learns, stops and goes on, and says what it does."""

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from genoseq.errors import CheckpointError, UsageError  # noqa: E402
from genoseq.peptides.batches import Masking, ProteinBatches  # noqa: E402
from genoseq.peptides.tokens import tokens_of  # noqa: E402
from genoseq.peptides.train import MaskedTrainer, MaskedTraining  # noqa: E402


def repeats(seed, count):
    """Proteins that repeat a word, so that a letter follows from others."""
    rng = np.random.default_rng(seed)
    return [np.tile(tokens_of("MKVLAEGDWH"), 4)[rng.integers(10) :][:30] for _ in range(count)]


def source():
    return ProteinBatches(
        repeats(1, 200), repeats(2, 20), window=40, tokens=512, micro=256, masking=Masking(), seed=1
    )


def plan(**options):
    return MaskedTraining(**{"steps": 60, "learning_rate": 3e-3, "warm_up": 5, "log_every": 10, **options})


def test_it_learns(make_network):
    lines = []
    trainer = MaskedTrainer(make_network(), source(), plan(steps=120, validate_every=60), lines.append)
    before = trainer.validate()
    trainer.run()
    after = trainer.validate()
    assert before > math.log(12)
    assert after < 0.5 * before
    assert [line["step"] for line in lines if "loss" in line] == list(range(10, 121, 10))
    looks = [line["held_out"] for line in lines if "held_out" in line]
    assert looks[-1] == pytest.approx(after, abs=1e-4)
    assert len(looks) == 2


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not(make_network, tmp_path):
    whole = MaskedTrainer(make_network(), source(), plan(steps=12))
    whole.run()
    first = MaskedTrainer(make_network(), source(), plan(steps=12))
    for _ in range(5):
        first.train_step()
        first.step += 1
    first.save(tmp_path)
    second = MaskedTrainer(make_network(seed=9), source(), plan(steps=12))
    second.resume(tmp_path)
    assert second.step == 5
    second.run(tmp_path)
    for key, value in whole.network.state_dict().items():
        torch.testing.assert_close(second.network.state_dict()[key], value, atol=0, rtol=0)
    other = MaskedTrainer(make_network(), source(), plan(steps=13))
    with pytest.raises(CheckpointError, match="was trained with steps 12, now steps is 13"):
        other.resume(tmp_path)
    narrow = MaskedTrainer(make_network(hidden=16), source(), plan(steps=12))
    with pytest.raises(CheckpointError, match="not a checkpoint of this training"):
        narrow.resume(tmp_path)
    (tmp_path / "peptides.checkpoint.pt").write_bytes(b"x")
    with pytest.raises(CheckpointError):
        second.resume(tmp_path)


def test_the_best_is_kept_when_nothing_gets_better(make_network):
    lines = []
    options = {"steps": 400, "learning_rate": 0.3, "schedule": "linear", "validate_every": 2, "patience": 3}
    trainer = MaskedTrainer(make_network(), source(), plan(**options), lines.append)
    trainer.run()
    assert trainer.step < 400
    looks = [line["held_out"] for line in lines if "held_out" in line]
    assert trainer.validate() == pytest.approx(min(looks), abs=1e-4)
    assert looks.index(min(looks)) == len(looks) - 4


def test_the_running_mean_is_what_is_kept(make_network, tmp_path):
    trainer = MaskedTrainer(make_network(), source(), plan(steps=30, average=0.9, learning_rate=0.02))
    expected = None
    for step in range(30):
        trainer.train_step()
        weights = {name: p.detach().clone() for name, p in trainer.network.named_parameters()}
        kept = min(0.9, (1 + step) / (10 + step))
        if expected is None:
            expected = {name: p.clone() for name, p in make_network().named_parameters()}
        expected = {name: kept * expected[name] + (1 - kept) * weights[name] for name in weights}
        trainer.step += 1
    trainer.save(tmp_path)
    noisy = trainer.validate()
    again = MaskedTrainer(make_network(3), source(), plan(steps=30, average=0.9, learning_rate=0.02))
    again.resume(tmp_path)
    again.run()  # nothing is left to do but to take the mean
    for name, parameter in again.network.named_parameters():
        torch.testing.assert_close(parameter, expected[name], atol=1e-5, rtol=1e-4)
    assert again.validate() != pytest.approx(noisy, abs=1e-3)


def test_looks_use_the_mean_and_leave_the_weights(make_network):
    lines = []
    options = {"average": 0.9, "validate_every": 10, "steps": 20}
    trainer = MaskedTrainer(make_network(), source(), plan(**options), lines.append)
    plain = MaskedTrainer(make_network(), source(), plan(steps=20))
    trainer.run()
    for _ in range(20):
        plain.train_step()
        plain.step += 1
    looks = [line["held_out"] for line in lines if "held_out" in line]
    assert trainer.validate() == pytest.approx(looks[-1], abs=1e-4)  # the mean is what is left
    assert plain.validate() != pytest.approx(looks[-1], abs=1e-4)
    found = plain.optimizer.state_dict()["state"]  # moments: the same gradients were seen
    for number, state in trainer.optimizer.state_dict()["state"].items():
        torch.testing.assert_close(state["exp_avg"], found[number]["exp_avg"], atol=0, rtol=0)


def test_dropout_follows_from_the_step(make_network):
    def losses(dropout):
        trainer = MaskedTrainer(make_network(), source(), plan(dropout=dropout))
        found = []
        for _ in range(2):
            torch.manual_seed(len(found))  # whatever was drawn elsewhere
            found.append(trainer.train_step()[0].item())
            trainer.step = 0
        return found

    with_it, again, without = losses(0.3), losses(0.3), losses(0.0)
    assert with_it == again
    assert with_it[0] != without[0]
    trainer = MaskedTrainer(make_network(), source(), plan(dropout=0.3))
    assert trainer.validate() == MaskedTrainer(make_network(), source(), plan()).validate()


def test_half_precision_is_near(make_network):
    one, other = (MaskedTrainer(make_network(), source(), plan(precision=name)) for name in ("fp32", "bf16"))
    assert other.train_step()[0].item() == pytest.approx(one.train_step()[0].item(), rel=0.02)


def test_rates():
    linear = plan(steps=105, schedule="linear", least_rate=0)
    assert [linear.rate(step) for step in (0, 4, 5, 55)] == pytest.approx([0.2, 1, 1, 0.5])
    cosine = plan(steps=105, least_rate=0.1)
    assert [cosine.rate(step) for step in (5, 55, 105)] == pytest.approx([1, 0.55, 0.1])


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0},
        {"precision": "fp8"},
        {"schedule": "none"},
        {"learning_rate": 0},
        {"patience": -1},
        {"average": 1},
        {"dropout": 1},
    ],
)
def test_plans_that_make_no_sense(wrong):
    with pytest.raises(UsageError):
        plan(**wrong)
