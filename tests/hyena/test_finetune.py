"""Fine-tuning: it learns, it keeps the best of the validation, it repeats itself and goes on where it was."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from genoseq.errors import CheckpointError, UsageError  # noqa: E402
from genoseq.hyena import finetune  # noqa: E402
from genoseq.hyena.examples import Examples  # noqa: E402
from genoseq.hyena.finetune import CHECKPOINT, Tuning, fine_tune, logits_of  # noqa: E402
from genoseq.hyena.heads import Head, vectors_of  # noqa: E402
from genoseq.hyena.tokenizer import A, tokens_of  # noqa: E402
from genoseq.sequence import encode  # noqa: E402
from genoseq.supervised.regression import fit_regression, log_loss  # noqa: E402

HEAD = Head(("without", "with"), both_strands=False)
PLAN = Tuning(epochs=4, tokens=512, learning_rate=3e-3, patience=9)
MOTIF = tokens_of(encode("GATTACAGATTACA"))


def made(count, seed):
    """Half of the sequences have a motif somewhere."""
    rng = np.random.default_rng(seed)
    tokens, labels = [], np.arange(count) % 2
    for label in labels:
        each = (A + rng.integers(0, 4, rng.integers(40, 60))).astype(np.uint8)
        if label:
            at = rng.integers(0, len(each) - len(MOTIF))
            each[at : at + len(MOTIF)] = MOTIF
        tokens.append(each)
    return Examples(tokens, labels)


@pytest.fixture(scope="module")
def task():
    return made(240, 1), made(80, 2)


def tune(network, task, plan=PLAN, **options):
    train, validation = task
    vectors = [np.stack(list(vectors_of(network, part.tokens, HEAD))) for part in task]
    probe = fit_regression((vectors[0], train.labels), (vectors[1], validation.labels), 2)
    return fine_tune(network, HEAD, plan, train, validation, probe, **options), probe


def same(one, other):
    state = other.state_dict()
    return all(torch.equal(value, state[name]) for name, value in one.state_dict().items())


def losses_of(tuned):
    return [(line["loss"], line["validation_loss"]) for line in tuned.history]


def test_a_motif_is_learned_that_the_probe_does_not_see(network, task):
    before = {name: value.clone() for name, value in network.state_dict().items()}
    tuned, probe = tune(network, task, dataclasses.replace(PLAN, epochs=12))
    assert tuned.loss < 0.5 * probe.loss
    test = made(200, 3)
    right = logits_of(tuned.classifier, test).argmax(1) == test.labels
    assert right.mean() > 0.9
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_the_best_epoch_is_kept(network, task):
    plan = dataclasses.replace(PLAN, learning_rate=0.05)  # too high: it gets worse
    tuned, probe = tune(network, task, plan)
    losses = [probe.loss, *(line["validation_loss"] for line in tuned.history)]
    assert tuned.loss == pytest.approx(min(losses), abs=1e-4)
    assert log_loss(logits_of(tuned.classifier, task[1]), task[1].labels) == pytest.approx(
        tuned.loss, abs=1e-5
    )


def test_it_ends_when_nothing_gets_better(network, task, monkeypatch):
    monkeypatch.setattr(finetune, "log_loss", lambda logits, labels: 9.0)
    tuned, probe = tune(network, task, dataclasses.replace(PLAN, epochs=9, patience=2))
    assert len(tuned.history) == 2
    monkeypatch.undo()
    assert log_loss(logits_of(tuned.classifier, task[1]), task[1].labels) == pytest.approx(
        probe.loss, abs=1e-5
    )


def test_the_head_alone_is_the_probe(network, task):
    tuned, probe = tune(network, task, dataclasses.replace(PLAN, tune="head"))
    assert tuned.loss == probe.loss
    assert tuned.history == []
    assert same(tuned.classifier.network, network)
    assert tuned.classifier.output.weight.detach().numpy() == pytest.approx(probe.weight, rel=1e-5)


def test_low_rank_leaves_filters_and_norms_as_they_were(network, task):
    tuned, probe = tune(network, task, dataclasses.replace(PLAN, tune="lora", rank=4, learning_rate=1e-2))
    assert tuned.loss < probe.loss
    state = network.state_dict()
    changed = {
        name
        for name, value in tuned.classifier.network.state_dict().items()
        if not torch.equal(value, state[name])
    }
    assert {name.rsplit(".", 2)[-2] for name in changed} == {"in_proj", "out_proj", "fc1", "fc2"}
    assert all(name.endswith(".weight") for name in changed)


def test_a_seed_gives_one_result(network, task):
    first, again, other = (tune(network, task, dataclasses.replace(PLAN, seed=seed))[0] for seed in (1, 1, 2))
    assert same(first.classifier, again.classifier)
    assert losses_of(first) == losses_of(again)
    assert losses_of(first) != losses_of(other)


@pytest.mark.parametrize("kind", ["full", "lora"])
def test_a_run_that_was_stopped_ends_as_it_would_have(network, task, tmp_path, kind):
    plan = dataclasses.replace(PLAN, tune=kind, checkpoint_every=0.0)
    whole, _ = tune(network, task, plan)

    class StopError(Exception):
        pass

    def stop(line):
        if line["epoch"] == 3:
            raise StopError

    with pytest.raises(StopError):
        tune(network, task, plan, log=stop, folder=tmp_path)
    assert (tmp_path / CHECKPOINT).exists()
    lines = []
    rest, _ = tune(network, task, plan, log=lines.append, folder=tmp_path)
    assert [line["epoch"] for line in lines] == [3, 4]
    assert same(whole.classifier, rest.classifier)
    assert losses_of(rest) == losses_of(whole)


def test_a_foreign_or_damaged_checkpoint(network, task, tmp_path):
    plan = dataclasses.replace(PLAN, epochs=1, checkpoint_every=0.0)
    tune(network, task, plan, folder=tmp_path)
    with pytest.raises(CheckpointError, match="of another training; delete it"):
        tune(network, task, dataclasses.replace(plan, epochs=2), folder=tmp_path)
    path = tmp_path / CHECKPOINT
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="not an intact checkpoint"):
        tune(network, task, plan, folder=tmp_path)


def test_sequences_count_the_same_whatever_their_batch(network, task):
    """With a rate of almost 0, the mean loss of an epoch is that of all sequences."""
    train = Examples(
        [*task[0].tokens[:30], *(each[:9] for each in task[0].tokens[30:60])], task[0].labels[:60]
    )
    tuned, _ = tune(network, (train, task[1]), dataclasses.replace(PLAN, epochs=1, learning_rate=1e-9))
    expected = log_loss(logits_of(tuned.classifier, train), train.labels)
    assert tuned.history[0]["loss"] == pytest.approx(expected, abs=1e-3)


def test_rare_classes_weigh_more(network, task):
    """With a rate of almost 0, the mean loss of an epoch is the weighted one of all sequences."""
    train = task[0].take(np.flatnonzero((task[0].labels == 0) | (np.arange(240) < 24)))
    plan = dataclasses.replace(PLAN, epochs=1, learning_rate=1e-9, balanced=True)
    tuned, _ = tune(network, (train, task[1]), plan)
    logits = logits_of(tuned.classifier, train)
    each = [log_loss(logits[[i]], train.labels[[i]]) for i in range(len(train))]
    weights = len(train) / (2 * np.bincount(train.labels))[train.labels]
    assert tuned.history[0]["loss"] == pytest.approx(np.mean(weights * each), abs=1e-3)
    assert abs(np.mean(each) - np.mean(weights * each)) > 0.01


def test_the_rate_rises_and_falls():
    rates = [Tuning().rate(done) for done in np.linspace(0, 1, 101)]
    assert rates[0] < 0.02
    assert rates[10] == pytest.approx(1)
    assert rates[100] == pytest.approx(0.05)
    assert all(np.diff(rates[:11]) > 0)
    assert all(np.diff(rates[10:]) < 0)


@pytest.mark.parametrize("wrong", [{"tune": "some"}, {"precision": "fp8"}, {"epochs": 0}, {"rank": 0}])
def test_a_plan_that_cannot_be(wrong):
    with pytest.raises(UsageError):
        Tuning(**wrong)
