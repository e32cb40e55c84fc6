"""Training: the schedule, what decays, that it learns, that a resumed run is one that never stopped."""

from __future__ import annotations

import dataclasses
import itertools
import math
import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from genoseq.errors import CheckpointError, UsageError  # noqa: E402
from genoseq.hyena.corpus import Corpus  # noqa: E402
from genoseq.hyena.model import HyenaNetwork  # noqa: E402
from genoseq.hyena.train import CHECKPOINT, Trainer, Training, parameter_groups, summed_loss  # noqa: E402

PLAN = Training(
    steps=12, tokens=512, micro=256, lengths=((32, 0.5), (64, 0.5)), learning_rate=3e-3, validate_every=6,
    validate_windows=8, log_every=1, checkpoint_every=1e9,
)  # fmt: skip


@pytest.fixture(scope="module")
def corpus():
    """A repeated motif with noise: there is something to learn."""
    rng = np.random.default_rng(5)
    codes = np.tile(rng.integers(0, 4, 7), 1500).astype(np.uint8)
    noise = rng.random(len(codes)) < 0.05
    codes[noise] = rng.integers(0, 4, noise.sum())
    codes[400:420] = 4
    return Corpus.of([codes])


def trainer(corpus, small_config, plan=PLAN, log=None, seed=0):
    torch.manual_seed(seed)
    return Trainer(HyenaNetwork(small_config), *corpus.split(0.2), plan, log)


def weights(run):
    return torch.cat([p.detach().flatten() for p in run.network.parameters()])


def test_the_rate_warms_up_and_falls_to_its_least():
    plan = Training(steps=1000, warm_up=0.1, least_rate=0.1)
    rates = [plan.rate(step) for step in range(1000)]
    assert rates[0] == pytest.approx(0.01)
    assert rates[100] == pytest.approx(1.0)
    assert max(rates) == pytest.approx(1.0)
    assert rates[-1] == pytest.approx(0.1, abs=1e-3)
    assert all(a >= b for a, b in itertools.pairwise(rates[100:]))


def test_lengths_take_their_share_of_the_steps():
    plan = Training(steps=10, lengths=((64, 0.2), (256, 0.3), (1024, 0.5)))
    assert [plan.phase(step) for step in range(10)] == 2 * [(64, 0)] + 3 * [(256, 2)] + 5 * [(1024, 5)]


def test_filters_biases_and_embeddings_do_not_decay(network):
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    decaying, filters, rest = (
        [names[id(p)] for p in group["params"]] for group in parameter_groups(network, rate=1e-3, decay=0.1)
    )
    assert len(decaying) + len(filters) + len(rest) == len(names)
    assert {name.rsplit(".", 2)[1] for name in decaying} == {"in_proj", "out_proj", "fc1", "fc2"}
    assert all("implicit_filter" in name for name in filters)
    assert "embeddings.word_embeddings.weight" in rest
    assert [g["weight_decay"] for g in parameter_groups(network, rate=1e-3, decay=0.1)] == [0.1, 0.0, 0.0]


def test_unknown_bases_are_not_predicted(network):
    logits = torch.randn(1, 4, 16)
    targets = torch.tensor([[7, 11, 10, 4]])
    by_hand = -torch.log_softmax(logits, -1)[0, [0, 2], [7, 10]].sum()
    assert summed_loss(logits, targets) == pytest.approx(float(by_hand))
    bases = -torch.log_softmax(logits[..., 7:11], -1)[0, [0, 2], [0, 3]].sum()
    assert summed_loss(logits[..., 7:11], targets - 7) == pytest.approx(float(bases))


def test_it_learns_and_tells_of_it(corpus, small_config):
    lines = []
    plan = dataclasses.replace(PLAN, steps=80, learning_rate=1e-2, log_every=10, validate_every=40)
    run = trainer(corpus, small_config, plan, lines.append)
    before = run.validate()
    run.run()
    assert before == pytest.approx(2.0, abs=0.1)  # four bases: 2 bits
    assert lines[-1] == {"step": 80, "held_out": pytest.approx(run.validate(), abs=1e-4)}
    assert lines[-1]["held_out"] < 1.2
    losses = [line["loss"] for line in lines if "loss" in line]
    assert losses[0] > losses[-1]
    assert {line["length"] for line in lines if "loss" in line} == {32, 64}


def test_a_resumed_run_is_the_run_that_never_stopped(corpus, small_config, tmp_path):
    whole, lines = trainer(corpus, small_config, log=(first := []).append), []
    whole.run()
    half = trainer(corpus, small_config, log=lines.append)
    for _ in range(7):
        half.log({"step": half.step + 1, "loss": round(float(half.train_step()) / math.log(2), 4)})
        half.step += 1
    half.save(tmp_path)
    rest = trainer(
        corpus, small_config, log=lines.append, seed=9
    )  # other first weights: they are overwritten
    rest.resume(tmp_path)
    assert rest.step == 7
    rest.run(tmp_path)
    assert torch.equal(weights(rest), weights(whole))
    assert [line["loss"] for line in lines if "loss" in line] == [
        line["loss"] for line in first if "loss" in line
    ]
    assert not list(tmp_path.glob("*.tmp*"))


def test_the_parts_of_a_batch_add_up(corpus, small_config):
    quiet = dataclasses.replace(small_config, embed_dropout=0.0)
    once = trainer(corpus, quiet, dataclasses.replace(PLAN, micro=512))
    parts = trainer(corpus, quiet, dataclasses.replace(PLAN, micro=64))
    assert float(once.train_step()) == pytest.approx(float(parts.train_step()), rel=1e-5)
    assert (weights(once) - weights(parts)).abs().max() < 1e-4


def test_a_checkpoint_of_another_run_is_refused(corpus, small_config, tmp_path):
    run = trainer(corpus, small_config)
    with pytest.raises(CheckpointError, match="cannot be read"):
        run.resume(tmp_path)
    run.save(tmp_path)
    other = trainer(corpus, small_config, dataclasses.replace(PLAN, learning_rate=1e-4))
    with pytest.raises(CheckpointError, match=r"learning_rate 0\.003, now learning_rate is 0\.0001"):
        other.resume(tmp_path)
    content = (tmp_path / CHECKPOINT).read_bytes()
    (tmp_path / CHECKPOINT).write_bytes(content[:5000])
    with pytest.raises(CheckpointError, match="not an intact checkpoint"):
        run.resume(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"precision": "int4"}, "choose bf16"), ({"tokens": 32}, "holds no window"),
     ({"steps": 0}, "steps is 0"), ({"lengths": ((64, 0.4),)}, "add up to 1")],
)  # fmt: skip
def test_plans_that_cannot_be(change, message):
    with pytest.raises(UsageError, match=message):
        dataclasses.replace(PLAN, **change)


def test_windows_must_fit_the_model(corpus, small_config):
    with pytest.raises(UsageError, match="512 bp do not fit a model of 130"):
        trainer(corpus, small_config, dataclasses.replace(PLAN, lengths=((512, 1.0),)))


SCRIPT = """
import dataclasses, sys, numpy as np, torch
import torch.distributed as group
from genoseq.hyena.config import HyenaConfig
from genoseq.hyena.corpus import Corpus
from genoseq.hyena.model import HyenaNetwork
from genoseq.hyena.train import Trainer, Training
if "RANK" in __import__("os").environ:
    group.init_process_group("gloo")
torch.manual_seed(0)
codes = np.random.default_rng(1).integers(0, 4, 20000).astype(np.uint8)
config = HyenaConfig(d_model=16, n_layer=2, d_inner=32, l_max=130, filter_order=16, embed_dropout=0.0)
plan = Training(steps=5, tokens=512, micro=128, lengths=((64, 1.0),), learning_rate=3e-3)
run = Trainer(HyenaNetwork(config), *Corpus.of([codes]).split(0.1), plan)
losses = []
for _ in range(5):
    losses.append(float(run.train_step())); run.step += 1
total = torch.tensor(losses)
if group.is_initialized():
    group.all_reduce(total)
if run.rank == 0:
    torch.save((total, torch.cat([p.detach().flatten() for p in run.network.parameters()])), sys.argv[1])
if group.is_initialized():
    group.destroy_process_group()
    __import__("os")._exit(0)  # what gloo leaves behind may abort an orderly end
"""


@pytest.mark.slow
def test_two_processes_train_as_one(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    subprocess.run([sys.executable, "script.py", "one.pt"], cwd=tmp_path, check=True, timeout=240)
    two = ["-m", "torch.distributed.run", "--nproc-per-node=2", "--master-port=0", "--standalone"]
    done = subprocess.run(
        [sys.executable, *two, "script.py", "two.pt"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    (loss_one, one), (loss_two, two_weights) = (
        torch.load(tmp_path / f"{name}.pt") for name in ("one", "two")
    )
    assert loss_two.tolist() == pytest.approx(loss_one.tolist(), rel=1e-4)
    assert (one - two_weights).abs().max() < 1e-4
