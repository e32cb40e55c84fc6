"""genoseq generate: the FASTA that it writes, what it must not depend on, and bad input."""

from __future__ import annotations

import gzip
import json
import signal

import numpy as np
import pysam
import pytest

torch = pytest.importorskip("torch")

from genoseq.cli import main  # noqa: E402
from genoseq.hyena.config import HyenaConfig  # noqa: E402
from genoseq.hyena.hyenadna import HyenaDNA  # noqa: E402
from genoseq.hyena.model import HyenaNetwork  # noqa: E402
from genoseq.hyena.tokenizer import tokens_of_text  # noqa: E402
from genoseq.hyena.weights import save_network  # noqa: E402

PROMPTS = {"one": "ACGTGATTACA", "two:5-9": "NNNNNacgtt", "three": "TTTTTTTTTTTTTTTT"}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    torch.manual_seed(3)
    network = HyenaNetwork(HyenaConfig(d_model=16, n_layer=2, d_inner=32, l_max=250, filter_order=16))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn(parameter.shape) / parameter.shape[-1] ** 0.5)
    folder = tmp_path_factory.mktemp("models") / "small"
    save_network(network, folder)
    return folder


@pytest.fixture
def prompts(tmp_path):
    path = tmp_path / "prompts.fa"
    path.write_text("".join(f">{name} words\n{text}\n" for name, text in PROMPTS.items()))
    return path


def run(*arguments):
    return main(["generate", "-t", "1", *map(str, arguments)])


def records(text):
    """(name, comment, letters) of FASTA."""
    parts = [part.split("\n", 1) for part in text.split(">")[1:]]
    return [(*head.split(" ", 1), body.replace("\n", "")) for head, body in parts]


def test_the_command_of_the_guide(model, capfd):
    command = f"-m {model} --prompt ACGT -n 5 --length 200 --temperature 0.8 --top-k 4 --seed 1"
    assert run(*command.split()) == 0
    out, err = capfd.readouterr()
    found = records(out)
    assert [name for name, _, _ in found] == [f"sample_{number}" for number in range(1, 6)]
    assert {len(letters) for _, _, letters in found} == {200}
    assert set("".join(letters for _, _, letters in found)) == set("ACGT")
    assert max(map(len, out.splitlines()[1:3])) == 80
    assert "genoseq generate: 5 sequences, 1,000 bp, " in err
    wanted = HyenaDNA.load(model, device="cpu").generate("ACGT", 5, 200, temperature=0.8, top_k=4, seed=1)
    assert [letters for _, _, letters in found] == wanted


def test_headers_tell_how_it_was_drawn(model, capfd):
    assert run("-m", model, "--prompt", "ACG", "-l", 7, "--top-p", 0.9, "--seed", 5, "-q") == 0
    out, err = capfd.readouterr()
    told = dict(word.split("=") for word in records(out)[0][1].split())
    assert err == ""
    assert told.pop("model") == str(model)
    assert float(told.pop("log_likelihood")) < 0
    assert told == {
        "prompt_bp": "3", "drawn_bp": "7", "temperature": "1", "top_k": "4", "top_p": "0.9", "seed": "5",
    }  # fmt: skip


def test_prompts_of_a_file(model, prompts, tmp_path):
    out = tmp_path / "out.fa"
    assert run("-m", model, "--prompts", prompts, "-n", 2, "-l", 30, "--with-prompt", "-o", out) == 0
    with pysam.FastaFile(str(out)) as fasta:
        assert list(fasta.references) == [f"{name}_{number}" for name in PROMPTS for number in (1, 2)]
        texts = [fasta.fetch(name) for name in fasta.references]
    assert [text[:-30] for text in texts] == [text.upper() for text in PROMPTS.values() for _ in "12"]
    wanted = HyenaDNA.load(model, device="cpu").generate(list(PROMPTS.values()), 2, 30)
    assert [text[-30:] for text in texts] == wanted


def test_batches_threads_and_compression_change_nothing(model, prompts, tmp_path):
    texts = []
    for number, options in enumerate((["-t", 2], ["--batch", 1], ["--batch", 4], ["--device", "cpu"])):
        out = tmp_path / f"{number}.fa.gz"
        assert run("-m", model, "--prompts", prompts, "-n", 3, "-l", 50, "-o", out, *options) == 0
        texts.append(out.read_bytes())
    assert len(set(texts)) == 1
    assert gzip.decompress(texts[0]).startswith(b">one_1 prompt_bp=11 drawn_bp=50 ")


def test_json(model, prompts, tmp_path):
    out, summary = tmp_path / "out.fa", tmp_path / "out.json"
    assert run("-m", model, "--prompts", prompts, "-n", 2, "-l", 40, "-o", out, "--json", summary) == 0
    report = json.loads(summary.read_text())
    assert (report["command"], report["prompts"], report["sequences"], report["tokens"]) == (
        "generate", 3, 6, 240,
    )  # fmt: skip
    assert report["tokens_per_second"] > 0
    told = [
        float(comment.split("log_likelihood=")[1].split()[0]) for _, comment, _ in records(out.read_text())
    ]
    tokens = [tokens_of_text(text)[0] for text in PROMPTS.values()]
    samples = HyenaDNA.load(model, device="cpu").sample(tokens, 40, n=2)
    assert told == pytest.approx([sample.score.nats for sample in samples], abs=1e-4)
    assert report["mean_log_likelihood"] == pytest.approx(np.sum(told) / 240, abs=1e-6)
    assert report["bits_per_base"] == pytest.approx(-np.sum(told) / 240 / np.log(2), abs=1e-6)


def test_from_nothing(model, capfd):
    assert run("-m", model, "-n", 3, "-l", 1, "--seed", 4) == 0
    out, err = capfd.readouterr()
    assert [len(letters) for _, _, letters in records(out)] == [1, 1, 1]
    assert "prompt_bp=0" in out
    assert "bits a base" not in err  # there is nothing to score
    assert run("-m", model, "--prompt", "", "-n", 3, "-l", 1, "--seed", 4) == 0
    assert capfd.readouterr().out == out


def test_letters_that_are_read_as_n(model, capfd):
    assert run("-m", model, "--prompt", "ACGTN", "-l", 5) == 0
    assert "warning" not in capfd.readouterr().err
    assert run("-m", model, "--prompt", "ACGT...r", "-l", 5, "--with-prompt") == 0
    out, err = capfd.readouterr()
    assert "warning: 4 letters that are neither A, C, G, T nor N" in err
    assert records(out)[0][2].startswith("ACGTNNNN")


def test_no_prompts(model, tmp_path, capfd):
    empty = tmp_path / "empty.fa"
    empty.write_bytes(b"")
    assert run("-m", model, "--prompts", empty, "-o", tmp_path / "out.fa") == 0
    assert (tmp_path / "out.fa").read_bytes() == b""
    err = capfd.readouterr().err
    assert "warning" in err
    assert "0 sequences, 0 bp" in err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--prompt", "ACGTJ"], 1, "--prompt: 'J' at position 4 is not a nucleotide letter"),
        (["--prompt", "ACGÜ"], 1, "--prompt: "),
        (["-l", "0"], 2, "argument -l/--length: 0 is out of range (allowed: 1..10000000)"),
        (["-l", "251"], 2, "251 bases are to be drawn, more than the 250 that this model holds"),
        (["--prompt", "A" * 60], 2, "the prompt has 60 bases and 200 are to follow, more than the 250"),
        (["--temperature", "-1"], 2, "argument --temperature: -1 is out of range (allowed: 0..1000)"),
        (["--temperature", "nan"], 2, "argument --temperature: nan is out of range"),
        (["--top-k", "5"], 2, "argument --top-k: 5 is out of range (allowed: 1..4)"),
        (["--top-k", "0"], 2, "argument --top-k: 0 is out of range"),
        (["--top-p", "0"], 2, "argument --top-p: 0 is out of range (allowed: above 0, up to 1)"),
        (["--top-p", "1.1"], 2, "argument --top-p: 1.1 is out of range"),
        (["-n", "0"], 2, "argument -n/--number: 0 is out of range"),
        (["--batch", "0"], 2, "argument --batch: 0 is out of range"),
        (["-m", "hyenadna-tiny-1k-seqlem"], 2, "did you mean hyenadna-tiny-1k-seqlen?"),
        (["--prompt", "A", "--prompts", "x.fa"], 2, "not allowed with argument --prompt"),
        (["-o", "x.fa.zst"], 2, "x.fa.zst: plain or gzip FASTA is written; use a name that ends in .fa or"),
        (["-o", "none/x.fa"], 1, "there is no folder"),
        (["--json", "-"], 2, "-o and --json both go to standard output"),
        (["--prompts", "none.fa"], 1, "none.fa: no such file"),
    ],
)
def test_bad_usage(model, arguments, code, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run("-m", model, *arguments) == code
    out, err = capsys.readouterr()
    assert message in err
    assert out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        (b"hello\n", 1, "bad.fa:1: the file starts with 'hello'"),
        (b">a\nACGT!\n", 1, "bad.fa:2: '!' is not a nucleotide letter"),
        (b">a\nAC\n>b\nAC\n>a\nAC\n", 1, "bad.fa: two records are named a; give each its own name"),
        (b">a\nACGT\n>long\n" + b"A" * 60 + b"\n", 2, "the prompt long has 60 bases and 200 are to follow"),
        (b">a\n\n>b\nAC\n", 1, "bad.fa:1: the record '>a' has no bases"),
    ],
)
def test_bad_prompts(model, content, code, message, tmp_path, capsys):
    path = tmp_path / "bad.fa"
    path.write_bytes(content)
    assert run("-m", model, "--prompts", path, "-o", tmp_path / "out.fa") == code
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert sorted(part.name for part in tmp_path.iterdir()) == ["bad.fa"]


def test_prompts_are_not_overwritten(model, prompts, capsys):
    before = prompts.read_bytes()
    assert run("-m", model, "--prompts", prompts, "-o", prompts) == 2
    assert "is an input of this run" in capsys.readouterr().err
    assert prompts.read_bytes() == before


def test_ctrl_c(model, start, appears, tmp_path):
    process = start("generate", "-m", model, "-n", 100000, "-t", 2, "-o", tmp_path / "out.fa")
    appears(tmp_path, ".out.fa.*")
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert process.stderr.read() == b"genoseq generate: interrupted\n"
    assert list(tmp_path.iterdir()) == []
