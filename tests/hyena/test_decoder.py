"""One token at a time: the logits of a full forward, whatever the batch, the blocks and the filters."""

from __future__ import annotations

import dataclasses

import pytest

torch = pytest.importorskip("torch")

from genoseq.errors import UsageError  # noqa: E402
from genoseq.hyena import decoder as module  # noqa: E402
from genoseq.hyena.decoder import Decoder  # noqa: E402
from genoseq.hyena.workers import Workers  # noqa: E402

# tiles of 32, 64 and 128 positions, some of them cut by the end
LENGTH = 330


@pytest.fixture(scope="module")
def config(small_config):
    return dataclasses.replace(small_config, l_max=LENGTH)


@pytest.fixture(scope="module")
def ids():
    return torch.randint(7, 12, (3, LENGTH), generator=torch.Generator().manual_seed(1))


def largest_difference(network, ids, prompts, steps):
    """Of the logits of a decoder from those of full forwards, over all steps."""
    with torch.inference_mode():
        wanted = network(ids)
    rows = range(len(prompts))
    decoder = Decoder(network, steps)
    logits = decoder.prefill([ids[row, : prompts[row]] for row in rows])
    differences = []
    for step in range(steps + 1):
        differences += [(logits[row] - wanted[row, prompts[row] + step - 1]).abs().max() for row in rows]
        if step < steps:
            logits = decoder.step(torch.stack([ids[row, prompts[row] + step] for row in rows]))
    return float(max(differences))


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.float64, 1e-11)])
def test_the_logits_of_a_full_forward(make_network, config, ids, dtype, tolerance):
    network = make_network(config, scale=1.0).to(dtype)
    assert largest_difference(network, ids, (1, 2, 40), LENGTH - 40) < tolerance


def test_the_whole_past_counts(make_network, config, ids):
    """Otherwise the test above would not see a tile that is missing."""
    network = make_network(config, scale=1.0).double()
    other = ids.clone()
    other[:, 0] = 7 + (ids[:, 0] - 6) % 4
    with torch.inference_mode():
        changed = (network(ids) - network(other)).abs().amax((0, 2))
    assert changed.min() > 1e-6


@pytest.mark.parametrize("taps", [1, 2, 5])
def test_short_filters(make_network, config, ids, taps):
    network = make_network(dataclasses.replace(config, short_filter_order=taps)).double()
    assert largest_difference(network, ids, (1, 3, 9), 40) < 1e-12


@pytest.mark.parametrize("steps", [0, 1, 31, 32, 33, 64, 100])
def test_numbers_of_steps(network, ids, steps):
    assert largest_difference(network, ids[:, :130], (30, 1, 7), steps) < 1e-5


def test_work_in_parts(make_network, config, ids, monkeypatch):
    """Long prompts and large tiles are cut, and their filters not kept."""
    for name, value in (("_POSITIONS", 7), ("_TRANSFORMED", 999), ("_KEPT", 1), ("_LARGEST_SPECTRUM", 32)):
        monkeypatch.setattr(module, name, value)
    network = make_network(config).double()
    assert largest_difference(network, ids, (1, 50, 100), LENGTH - 100) < 1e-12


def test_a_prompt_is_read_alone(make_network, config, ids):
    decoder = Decoder(make_network(config).double(), 50)
    prompts = [ids[0, :9], ids[1, :60], ids[2, :33]]
    together = decoder.prefill(prompts)
    for row, prompt in enumerate(prompts):
        # states are equal to the last bit; the last matrix product depends on the size of the batch
        assert torch.allclose(decoder.prefill([prompt])[0], together[row], rtol=0, atol=1e-13)


@pytest.mark.parametrize("rows", [1, 3])
def test_threads_share_the_prompts(make_network, config, ids, monkeypatch, rows):
    monkeypatch.setattr(module, "_POSITIONS", 10)
    decoder = Decoder(make_network(config).double(), 5)
    wanted = decoder.prefill(ids[:rows, :77]), decoder.step(ids[:rows, 77])
    with Workers(3, torch.inference_mode) as workers:
        assert torch.equal(decoder.prefill(ids[:rows, :77], workers.map), wanted[0])
    assert torch.equal(decoder.step(ids[:rows, 77]), wanted[1])


def test_prompts_as_one_tensor(network, ids):
    decoder = Decoder(network, 3)
    assert torch.equal(decoder.prefill(ids[:, :20]), decoder.prefill(list(ids[:, :20])))


def test_rows_go_on_in_several_ways(make_network, config, ids):
    network = make_network(config).double()
    decoder = Decoder(network, 70)
    decoder.prefill([ids[0, :20], ids[1, :30]])
    for at in range(40):
        decoder.step(torch.stack([ids[0, 20 + at], ids[1, 30 + at]]))
    branches = decoder.select([1, 0, 1])
    tails = ids[:, -30:]
    for at in range(30):
        logits = branches.step(tails[:, at])
    rows = [torch.cat([ids[1, :70], tails[0]]), torch.cat([ids[0, :60], tails[1]])]
    rows.append(torch.cat([ids[1, :70], tails[2]]))
    with torch.inference_mode():
        wanted = torch.stack([network(row[None])[0, -1] for row in rows])
        assert torch.allclose(logits, wanted, rtol=0, atol=1e-12)
        after = decoder.step(ids[:2, 5])  # as if nobody had gone on from here
        wanted = network(torch.cat([ids[0, :60], ids[0, 5:6]])[None])[0, -1]
        assert torch.allclose(after[0], wanted, rtol=0, atol=1e-12)


def test_half_precision(make_network, config, ids):
    network = make_network(config)
    with torch.autocast("cpu", torch.bfloat16):
        difference = largest_difference(network, ids, (1, 2, 40), 100)
    assert 0 < difference < 0.1


def test_dropout_and_gradients_are_off(network, ids):
    wanted = Decoder(network, 2).prefill(ids[:, :20])
    logits = Decoder(network.train(), 2).prefill(ids[:, :20])
    assert torch.equal(logits, wanted)
    assert not logits.requires_grad


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu(make_network, config, ids):
    network = make_network(config).double().cuda()
    assert largest_difference(network, ids.cuda(), (1, 2, 40), LENGTH - 40) < 1e-10


def test_what_cannot_be_done(network, ids):
    decoder = Decoder(network, 2)
    with pytest.raises(UsageError, match="call prefill first"):
        decoder.step(ids[:, 0])
    with pytest.raises(UsageError, match="without tokens"):
        decoder.prefill([])
    with pytest.raises(UsageError, match="without tokens"):
        decoder.prefill([ids[0, :3], ids[0, :0]])
    with pytest.raises(UsageError, match="129 tokens and 2 steps are more than the 130 tokens"):
        decoder.prefill([ids[0, :3], ids[0, :129]])
    decoder.prefill(ids[:, :5])
    with pytest.raises(UsageError, match=r"shape \(2,\), where \(3,\) is expected"):
        decoder.step(ids[:2, 0])
    with pytest.raises(UsageError, match=r"rows \[3\] of a batch of 3"):
        decoder.select([3])
    for _ in range(2):
        decoder.step(ids[:, 0])
    with pytest.raises(UsageError, match="all 2 steps are done"):
        decoder.step(ids[:, 0])
    for steps in (-1, 131):
        with pytest.raises(UsageError, match=f"{steps} steps; 0 to 130 fit"):
            Decoder(network, steps)
