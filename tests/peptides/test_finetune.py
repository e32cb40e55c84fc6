"""Fine-tuning: what is trained, what decides, and that a stopped run ends where it would have ended."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from genoseq.errors import CheckpointError, UsageError  # noqa: E402
from genoseq.peptides.batches import Hiding  # noqa: E402
from genoseq.peptides.finetune import calibrate, fine_tune, pair_batches, plan_of  # noqa: E402
from genoseq.peptides.pairs import BindingPair  # noqa: E402
from genoseq.peptides.recipe import PairRecipe  # noqa: E402
from genoseq.peptides.split import PairSplit  # noqa: E402
from genoseq.peptides.tokens import AMINO, padded, tokens_of  # noqa: E402
from genoseq.peptides.train import MaskedTrainer, MaskedTraining  # noqa: E402
from genoseq.protein import AMINO_ACIDS  # noqa: E402


def split(count=60, validation=10):
    """Peptides of one of two letters, which the first residue of the target tells."""
    rng = np.random.default_rng(1)
    pairs = []
    for number in range(count + validation):
        letters = "".join(rng.choice(list(AMINO_ACIDS), 25))
        kind = number % 2
        pairs.append(
            BindingPair("WC"[kind] * 4 + letters, "KD"[kind] * int(rng.integers(4, 8)), f"x:{number}")
        )
    clusters = np.arange(count) % 7
    return PairSplit(pairs[:count], pairs[count:], [], clusters, np.empty(0, np.int64), 7, 0, (), ())


def recipe(**options):
    training = MaskedTraining(learning_rate=3e-3, warm_up=5, average=0.9, schedule="linear", least_rate=0)
    usual = {"training": training, "hiding": Hiding(0.5), "epochs": 8.0, "tokens": 512, "micro": 256,
             "window": 60, "calibrate": False}  # fmt: skip
    return PairRecipe(**{**usual, **options})


@pytest.mark.parametrize("tune", ["full", "lora"])
def test_it_learns(make_network, tune):
    network, data = make_network(), split()
    lines = []
    before = MaskedTrainer(make_network(), pair_batches(data, recipe()), MaskedTraining()).validate()
    keys = {name: value.clone() for name, value in network.state_dict().items()}
    found = fine_tune(network, data, recipe(tune=tune, rank=4, epochs=15.0), log=lines.append)
    after = MaskedTrainer(network, pair_batches(data, recipe()), MaskedTraining()).validate()
    assert after < before - 0.5
    assert found.loss <= min(line["held_out"] for line in lines if "held_out" in line) + 1e-4
    assert found.network is network
    assert not network.training
    assert set(network.state_dict()) == set(keys)  # merged
    changed = {name for name, value in network.state_dict().items() if not torch.equal(value, keys[name])}
    if tune == "lora":
        assert all(name.endswith("weight") for name in changed)
        assert {name.split(".")[-2] for name in changed} == {"query", "key", "value", "dense"}
        matrix = network.esm.encoder.layer[0].attention.self.query.weight
        change = matrix.detach() - keys["esm.encoder.layer.0.attention.self.query.weight"]
        assert 0 < torch.linalg.matrix_rank(change, rtol=1e-4) <= 4
    else:
        assert "esm.embeddings.word_embeddings.weight" in changed


def test_steps_follow_from_epochs(make_network):
    data = split()
    batches = pair_batches(data, recipe())
    plan = plan_of(recipe(epochs=2.5, looks=2), batches.steps_in_epoch)
    assert plan.steps == round(2.5 * batches.steps_in_epoch)
    assert plan.validate_every == round(batches.steps_in_epoch / 2)
    published = recipe(rows=2, tokens=256, micro=128, hiding=Hiding(1.0))
    assert pair_batches(data, published).steps_in_epoch == 15  # 60 pairs, 4 a step


def test_balance_gives_clusters_a_like_share():
    data = split()
    data = dataclasses.replace(data, train_clusters=np.where(np.arange(60) < 50, 0, 1 + np.arange(60)))
    batches = pair_batches(data, recipe(balance=1.0))
    few = {pair.target for pair in data.train[50:]}
    tokens = {tokens_of(target).tobytes() for target in few}
    seen = total = 0
    for step in range(10 * batches.steps_in_epoch):
        for batch in batches.of_step(step):
            for line in batch.tokens:
                seen += line[1:30].astype(np.uint8).tobytes() in tokens
                total += 1
    assert seen / total == pytest.approx(10 / 11, abs=0.05)


def test_a_stopped_run_ends_where_it_would_have_ended(make_network, tmp_path):
    some = recipe(epochs=2.0, tune="lora", rank=2)
    proteins = [np.asarray(AMINO)] * 10
    whole = fine_tune(make_network(), split(), some, proteins=proteins).network
    stopped = make_network()

    class StoppedError(Exception):
        pass

    def log(line):
        if line.get("step") == 10:
            raise StoppedError

    quick = dataclasses.replace(
        some, training=dataclasses.replace(some.training, checkpoint_every=0.0, log_every=5)
    )
    with pytest.raises(StoppedError):
        fine_tune(stopped, split(), quick, proteins=proteins, log=log, folder=tmp_path)
    found = fine_tune(make_network(), split(), quick, proteins=proteins, folder=tmp_path)
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(found.network.state_dict()[name], value, atol=1e-6, rtol=1e-5)
    with pytest.raises(CheckpointError):
        fine_tune(make_network(), split(), dataclasses.replace(quick, tune="full"), folder=tmp_path)


def test_calibration_divides_all_logits(make_network):
    network, data = make_network(), split()
    tokens = torch.as_tensor(padded([AMINO]))
    with torch.no_grad():
        network.lm_head.layer_norm.weight.mul_(30)  # much too sure
        before = network(input_ids=tokens, attention_mask=torch.ones_like(tokens)).logits
    batches = pair_batches(data, recipe())
    trainer = MaskedTrainer(network, batches, MaskedTraining())
    loss = trainer.validate()
    temperature = calibrate(network, batches)
    assert temperature > 1.5
    with torch.no_grad():
        after = network(input_ids=tokens, attention_mask=torch.ones_like(tokens)).logits
    torch.testing.assert_close(after, before / temperature, atol=1e-4, rtol=1e-4)
    assert trainer.validate() < loss
    assert calibrate(network, batches) == pytest.approx(1, abs=0.05) or temperature > 3.9


def test_without_a_validation_part(make_network):
    found = fine_tune(make_network(), split(validation=0), recipe(epochs=1.0, calibrate=True))
    assert math.isinf(found.loss)
    assert found.temperature == 1


def test_a_rank_that_makes_no_sense(make_network):
    with pytest.raises(UsageError, match="a rank of 33"):
        fine_tune(make_network(), split(), recipe(tune="lora", rank=33))
