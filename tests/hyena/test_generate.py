"""Generation: against repeated full forwards, and what a sequence must not depend on."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from genoseq.errors import UsageError  # noqa: E402
from genoseq.hyena import generate as module  # noqa: E402
from genoseq.hyena.generate import generate  # noqa: E402
from genoseq.hyena.hyenadna import HyenaDNA  # noqa: E402
from genoseq.hyena.sampling import Sampling  # noqa: E402
from genoseq.hyena.tokenizer import letters_of, tokens_of_text  # noqa: E402

EMPTY = tokens_of_text("")[0]
PROMPTS = [
    tokens_of_text(text)[0] for text in ("ACGTACGTGATTACA", "N", "ttgaNNNNccatgacgatagcatcagactacgacta")
]


def drawn(network, prompts=PROMPTS, length=60, sampling=None, **options):
    return list(generate(network, prompts, length, sampling or Sampling(), **options))


def sequences(*arguments, **options):
    return [sample.sequence for sample in drawn(*arguments, **options)]


def by_full_forwards(network, prompt, length, sampling, numbers):
    """One sequence: a forward of all there is for every base, and numpy to draw it."""
    network = network.double()
    rng = np.random.default_rng([sampling.seed, *numbers])
    ids = prompt.tolist()
    for _ in range(length):
        uniform = rng.random()
        if not ids:
            ids.append(7 + int(4 * uniform))
            continue
        with torch.inference_mode():
            logits = network(torch.tensor([ids]))[0, -1, 7:11].numpy()
        weights = np.exp((logits - logits.max()) / sampling.temperature)
        weights[np.argsort(-weights)[sampling.top_k :]] = 0
        ids.append(7 + int(np.searchsorted(np.cumsum(weights / weights.sum()), uniform, side="right")))
    return "".join("ACGT"[token - 7] for token in ids[len(prompt) :])


@pytest.mark.parametrize("sampling", [Sampling(), Sampling(0.7, top_k=3, seed=5)])
def test_like_repeated_full_forwards(make_network, sampling):
    network = make_network(scale=1.0)
    prompts = [*PROMPTS, EMPTY, EMPTY, PROMPTS[0]]
    found = drawn(network, prompts, 70, sampling, samples=2)
    assert [(sample.prompt, sample.number) for sample in found] == [(p, n) for p in range(6) for n in (0, 1)]
    for sample in found:
        numbers = sample.prompt, sample.number
        wanted = by_full_forwards(make_network(scale=1.0), prompts[sample.prompt], 70, sampling, numbers)
        assert sample.sequence == wanted
    assert len({sample.sequence for sample in found}) == len(found)


def test_greedy(make_network):
    network = make_network(scale=1.0)
    first, second = sequences(network, PROMPTS[:1], sampling=Sampling(0.0), samples=2)
    assert first == second == sequences(network, PROMPTS[:1], sampling=Sampling(0.0, seed=9))[0]
    # without a prompt the first base is drawn all the same
    starts = {text[0] for text in sequences(network, [EMPTY], 2, Sampling(0.0), samples=40)}
    assert starts == set("ACGT")


def test_scores_are_those_of_the_whole_sequence(network):
    model = HyenaDNA(network)
    for prompt in (PROMPTS[0], PROMPTS[2], EMPTY):
        for sample in drawn(network, [prompt], 50, Sampling(0.5, top_k=3), samples=2):
            [whole] = model.scores([letters_of(prompt) + sample.sequence], both_strands=False)
            wanted = whole.per_base[len(prompt) :]
            assert np.isnan(wanted).sum() == (len(prompt) == 0)
            assert sample.score.per_base == pytest.approx(wanted, abs=1e-5, nan_ok=True)
            assert sample.score.nats == pytest.approx(np.nansum(wanted), abs=1e-3)
            assert sample.score.bases == 50 - (len(prompt) == 0)


@pytest.mark.parametrize("prompts", [PROMPTS, [EMPTY] * 3])
def test_batches_threads_numbers_and_lengths_change_nothing(network, prompts, monkeypatch):
    monkeypatch.setattr(module, "_LEAST_ROWS", 1)  # threads even for so few
    wanted = sequences(network, prompts, samples=3)
    before = torch.get_num_threads()
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            for batch in (1, 2, 7, 100):
                assert sequences(network, prompts, samples=3, batch=batch) == wanted
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert sequences(network, prompts, samples=5)[5:8] == wanted[3:6]
    assert [text[:60] for text in sequences(network, prompts, length=90, samples=3)] == wanted
    assert sequences(network, prompts, sampling=Sampling(seed=2), samples=3) != wanted


def test_the_network_stays_as_it_is(network):
    before = {name: value.clone() for name, value in network.state_dict().items()}
    drawn(network, length=5)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert next(network.parameters()).dtype == torch.float32


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_other_types(network, dtype):
    """Nearly the same probabilities: the first bases are the same, and the scores close."""
    wanted = drawn(network, length=3, sampling=Sampling(0.0))
    found = drawn(network, length=3, sampling=Sampling(0.0), dtype=dtype)
    for one, other in zip(wanted, found, strict=True):
        assert one.sequence == other.sequence
        assert one.score.per_base == pytest.approx(other.score.per_base, abs=0.05)


def test_prompts_are_read_as_they_are_needed(network):
    taken = []

    def prompts():
        for number in range(100):
            taken.append(number)
            yield PROMPTS[0]

    samples = generate(network, prompts(), 4, batch=3)
    next(samples)
    assert len(taken) <= 4
    assert len(list(samples)) == 99
    assert list(generate(network, [], 5)) == []


def test_progress(network):
    counts = []
    drawn(network, [*PROMPTS, EMPTY], 11, samples=3, batch=5, progress=counts.append)
    assert sum(counts) == 4 * 3 * 11


def test_an_interruption_ends_all_threads(network, monkeypatch):
    monkeypatch.setattr(module, "_LEAST_ROWS", 1)
    before = torch.get_num_threads()
    counts = []

    def progress(count):
        counts.append(count)
        if len(counts) == 20:
            raise KeyboardInterrupt

    try:
        torch.set_num_threads(4)
        with pytest.raises(KeyboardInterrupt):
            drawn(network, length=80, samples=4, progress=progress)
        assert torch.get_num_threads() == 4
    finally:
        torch.set_num_threads(before)
    assert len(counts) < 80


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_draws_the_same(network):
    wanted = sequences(network, samples=3)
    assert sequences(network.cuda(), samples=3) == wanted


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"length": 0}, "length 0: the number of bases to draw, 1 or more"),
        ({"length": -3}, "length -3"),
        ({"length": 131}, "131 bases are to be drawn, more than the 130 that this model holds; draw less"),
        ({"length": 100}, "prompt 3 has 36 bases and 100 are to follow, more than the 130"),
        ({"samples": 0}, "samples is 0"),
        ({"batch": 0}, "batch is 0"),
    ],
)
def test_what_cannot_be_drawn(network, options, message):
    with pytest.raises(UsageError, match=message):
        drawn(network, **options)


def test_a_full_context(network):
    whole = sequences(network, [EMPTY], 130)
    assert len(whole[0]) == 130
    assert len(sequences(network, [tokens_of_text("A" * 129)[0]], 1)[0]) == 1
    with pytest.raises(UsageError, match="129 bases and 2 are to follow"):
        drawn(network, [tokens_of_text("A" * 129)[0]], 2)
