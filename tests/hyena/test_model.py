"""The network against the published equations, evaluated directly, and what must hold of any causal model."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from genoseq.errors import UsageError  # noqa: E402
from genoseq.hyena.config import RELEASED, HyenaConfig  # noqa: E402
from genoseq.hyena.model import Convolution, HyenaNetwork, fft_size  # noqa: E402

# --- the equations in numpy and float64: sums over positions, no FFT, no torch


def layer_norm(x, weight, bias, epsilon):
    mean = x.mean(-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + epsilon) * weight + bias


def gelu_tanh(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def long_filters(p, config, length):
    """Taps of all channels, (length, d_model)."""
    t = np.linspace(0, 1, config.l_max)[:length, None]
    w = 2 * math.pi * np.arange(config.l_max)[:length, None] / config.l_max
    bands = (config.emb_dim - 1) // 2
    f = np.linspace(1e-4, bands - 1, bands)[None]
    x = np.concatenate([t, np.cos(f * w), -np.sin(f * w)], 1)
    frequency = p["implicit_filter.1.freq"]
    for i in range(config.num_inner_mlps + 1):
        x = np.sin(
            frequency * (x @ p[f"implicit_filter.{2 * i}.weight"].T + p[f"implicit_filter.{2 * i}.bias"])
        )
    k = x @ p[f"implicit_filter.{2 * config.num_inner_mlps + 2}.weight"].T
    rates = np.linspace(math.log(1e-2) / 1.5, math.log(1e-2) / 0.3, config.d_model)
    return k * (np.exp(-t * np.abs(rates)) + config.shift)


def under(parameters, prefix):
    return {name[len(prefix) :]: value for name, value in parameters.items() if name.startswith(prefix)}


def hyena(x, p, config):
    """x: (length, d_model)."""
    length, d = x.shape
    u = x @ p["in_proj.weight"].T + p["in_proj.bias"]
    taps, short = config.short_filter_order, p["short_filter.weight"][:, 0]  # (3 d, taps)
    mixed = np.zeros_like(u) + p["short_filter.bias"]
    for position in range(length):
        for tap in range(taps):
            source = position - (taps - 1) + tap
            if source >= 0:
                mixed[position] += short[:, tap] * u[source]
    q, k, v = mixed[:, :d], mixed[:, d : 2 * d], mixed[:, 2 * d :]
    v = v * k
    filters = long_filters(under(p, "filter_fn."), config, length)
    y = np.zeros_like(v)
    for position in range(length):
        for source in range(position + 1):
            y[position] += filters[position - source] * v[source]
    y += v * p["filter_fn.bias"]
    return (y * q) @ p["out_proj.weight"].T + p["out_proj.bias"]


def forward(ids, parameters, config):
    """Logits (length, vocabulary) of one sequence of tokens."""
    r = parameters["embeddings.word_embeddings.weight"][ids]
    for layer in range(config.n_layer):
        p = under(parameters, f"layers.{layer}.")
        h = layer_norm(r, p["norm1.weight"], p["norm1.bias"], config.epsilon)
        r = r + hyena(h, under(p, "mixer."), config)
        h = layer_norm(r, p["norm2.weight"], p["norm2.bias"], config.epsilon)
        h = gelu_tanh(h @ p["mlp.fc1.weight"].T + p["mlp.fc1.bias"])
        r = r + h @ p["mlp.fc2.weight"].T + p["mlp.fc2.bias"]
    last = layer_norm(r, parameters["ln_f.weight"], parameters["ln_f.bias"], config.epsilon)
    return last @ parameters["embeddings.word_embeddings.weight"].T


# --- tests


def in_float64(network):
    """The network in float64, tables and all: those of the configuration are rounded to float32."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        fine = HyenaNetwork(network.config).eval()
    finally:
        torch.set_default_dtype(before)
    fine.load_state_dict(network.state_dict())
    return fine


def some_ids(length, seed=0, rows=1):
    return torch.randint(0, 12, (rows, length), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("length", [1, 2, 3, 64, 130])
def test_logits_are_those_of_the_equations(network, length):
    ids = some_ids(length)
    parameters = {name: value.double().numpy() for name, value in network.state_dict().items()}
    wanted = forward(ids[0].numpy(), parameters, network.config)
    with torch.inference_mode():
        single = network(ids)[0].numpy()
        network = in_float64(network)
        double = network(ids)[0].numpy()
    assert np.abs(wanted).max() > 0.3  # or the comparison would say little
    assert np.abs(double - wanted).max() < 1e-9
    assert np.abs(single - wanted).max() < 1e-4


def test_the_shift_counts(make_network, small_config):
    ids = some_ids(100)
    with torch.inference_mode():
        one, other = (
            make_network(dataclasses.replace(small_config, shift=shift))(ids) for shift in (0.05, 0.0)
        )
    assert (one - other).abs().max() > 1e-3


@pytest.mark.parametrize("name", RELEASED)
def test_parameters_of_the_released_models(name):
    published = {
        "hyenadna-tiny-1k-seqlen": 436_096,
        "hyenadna-tiny-1k-seqlen-d256": 1_641_088,
        "hyenadna-tiny-16k-seqlen-d128": 436_096,
        "hyenadna-small-32k-seqlen": 3_277_568,
        "hyenadna-medium-160k-seqlen": 6_550_528,
        "hyenadna-medium-450k-seqlen": 6_550_528,
        "hyenadna-large-1m-seqlen": 6_550_528,
    }
    config = RELEASED[name]
    assert config.parameters == published[name]
    with torch.device("meta"):
        network = HyenaNetwork(config)
    assert sum(parameter.numel() for parameter in network.parameters()) == published[name]


def test_no_position_sees_what_follows(network):
    ids = some_ids(120)
    other = ids.clone()
    other[:, 70:] = some_ids(50, seed=1)
    with torch.inference_mode():
        a, b = network(ids), network(other)
    assert (a[:, :70] - b[:, :70]).abs().max() < 1e-5
    assert (a[:, 70:] - b[:, 70:]).abs().max() > 1e-2


def test_padding_on_the_right_and_other_rows_change_nothing(network):
    ids = some_ids(60, rows=3)
    padded = torch.nn.functional.pad(ids, (0, 70), value=4)
    with torch.inference_mode():
        alone = torch.cat([network(row[None]) for row in ids])
        assert (network(ids) - alone).abs().max() < 1e-5
        assert (network(padded)[:, :60] - alone).abs().max() < 1e-5


def test_states_of_a_layer(network):
    ids = some_ids(20)
    with torch.inference_mode():
        first = network.states(ids, layer=0)
        assert torch.equal(first, network.embeddings(ids))
        last = network.states(ids, layer=network.config.n_layer)
        assert (network.ln_f(last) - network.states(ids)).abs().max() < 1e-6


def test_input_longer_than_the_model_is_refused(network):
    with pytest.raises(UsageError, match=r"131 tokens are more than the 130 .*--window"):
        network(some_ids(131))


def test_checkpointing_changes_no_gradient(make_network, small_config):
    ids = some_ids(50, rows=2)
    gradients = []
    for checkpointing in (False, True):
        network = make_network(dataclasses.replace(small_config, embed_dropout=0.0)).train()
        network.checkpointing = checkpointing
        network(ids).square().mean().backward()
        gradients.append(torch.cat([p.grad.flatten() for p in network.parameters()]))
    assert (gradients[0] - gradients[1]).abs().max() < 1e-6


def test_gradients_of_the_convolution():
    u = torch.randn(2, 3, 11, dtype=torch.float64, requires_grad=True)
    k = torch.randn(3, 11, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(Convolution.apply, (u, k))


def test_fft_sizes_are_even_and_smooth():
    for least in (1, 2, 5, 2047, 2049, 32_771, 2_000_003):
        size = fft_size(least)
        assert least <= size < 1.2 * least + 2
        assert size % 2 == 0
        for factor in (2, 3, 5, 7):
            while size % factor == 0:
                size //= factor
        assert size == 1


def test_reduced_precision_stays_near(network):
    ids = some_ids(100)
    with torch.inference_mode():
        wanted = network(ids)
        with torch.autocast("cpu", torch.bfloat16):
            rounded = network(ids)
    assert 0 < (wanted - rounded.float()).abs().max() < 0.2


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_agrees(network):
    ids = some_ids(100)
    with torch.inference_mode():
        wanted = network(ids)
        assert (network.cuda()(ids.cuda()).cpu() - wanted).abs().max() < 1e-3


def test_a_config_tells_what_is_wrong():
    with pytest.raises(UsageError, match="order is 3"):
        HyenaConfig(order=3)
    with pytest.raises(UsageError, match="d_model is 0"):
        HyenaConfig(d_model=0)
    with pytest.raises(UsageError, match="emb_dim is 4"):
        HyenaConfig(emb_dim=4)


def test_new_filters_have_all_frequencies():
    torch.manual_seed(3)
    network = HyenaNetwork(HyenaConfig(d_model=64, l_max=514))
    filters = network.layers[0].mixer.filter_fn(514).detach()
    power = torch.fft.rfft(filters / filters.norm(dim=1, keepdim=True), dim=1).abs().square().sum(0)
    octaves = torch.stack([power[first : 2 * first].sum() for first in (16, 32, 64, 128)])
    assert (octaves > 0.05 * power[1:].sum()).all()
