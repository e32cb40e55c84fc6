"""`genoseq embed`: what the class for notebooks gives, in files of every kind; and what cannot be done."""

from __future__ import annotations

import gzip
import json
import signal
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from genoseq.hyena.config import HyenaConfig  # noqa: E402
from genoseq.hyena.hyenadna import HyenaDNA  # noqa: E402
from genoseq.hyena.model import HyenaNetwork  # noqa: E402
from genoseq.hyena.weights import save_network  # noqa: E402
from genoseq.sequence import reverse_complement_text  # noqa: E402

LETTERS = "ACGTNacgtn"
LENGTHS = [80, 1, 200, 37, 199, 2, 64]


def some_texts(lengths, letters=LETTERS):
    rng = np.random.default_rng(5)
    return ["".join(rng.choice(list(letters), length)) for length in lengths]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model, `m`, and files; not to be changed."""
    folder = tmp_path_factory.mktemp("embed")
    torch.manual_seed(1)
    network = HyenaNetwork(HyenaConfig(d_model=8, n_layer=2, d_inner=16, l_max=200, filter_order=16))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape) / parameter.shape[-1] ** 0.5)
    save_network(network, folder / "m")
    fasta = "".join(f">r{i} of a test\n{text}\n" for i, text in enumerate(some_texts(LENGTHS)))
    (folder / "a.fa").write_text(fasta)
    (folder / "a.fa.gz").write_bytes(gzip.compress(fasta.encode()))
    fastq = "".join(f"@r{i}\n{t}\n+\n{'I' * len(t)}\n" for i, t in enumerate(some_texts(LENGTHS)))
    (folder / "a.fq").write_text(fastq)
    genome = "".join(f">chr{i}\n{text}\n" for i, text in enumerate(some_texts([700, 500], "ACGTN")))
    (folder / "g.fa").write_text(genome)
    (folder / "empty.fa").write_text("")
    (folder / "peaks.bed").write_text("chr1\t100\t250\tp1\t0\t-\nchr0\t0\t30\nchr1\t499\t500\tp3\t0\t+\n")
    return folder


@pytest.fixture(scope="module")
def model(folder):
    return HyenaDNA.load(folder / "m", device="cpu")


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def embed(run, folder, tmp_path):
    """`embed("{in}/a.fa -o {out}/v.npz")`: with the model, and with one thread unless told otherwise."""

    def call(words, **named):
        filled = words.replace("{in}", str(folder)).replace("{out}", str(tmp_path))
        return run(f"embed -m {folder / 'm'} --device cpu -t 1 {filled}", **named)

    return call


def table(text):
    """Column names and cells of a TSV."""
    first, header, *lines = text.splitlines()
    assert first == "# schema_version=1"
    return header.split("\t"), [line.split("\t") for line in lines]


@pytest.mark.parametrize("options", [{}, {"pool": "last"}, {"layer": 1}, {"layer": 0, "pool": "last"}])
def test_records(embed, model, tmp_path, options):
    words = " ".join(f"--{name} {value}" for name, value in options.items())
    done = embed(f"{{in}}/a.fa -o {{out}}/v.npz {words}")
    assert done.exit == 0, done.stderr
    assert "7 sequences, 583 bp, 7 vectors of 8" in done.stderr
    with np.load(tmp_path / "v.npz") as found:
        assert found["names"].tolist() == [f"r{i}" for i in range(7)]
        assert found["starts"].tolist() == [0] * 7
        assert found["ends"].tolist() == LENGTHS
        assert np.abs(found["vectors"] - model.embed(some_texts(LENGTHS), **options)).max() < 1e-5
        about = json.loads(str(found["about"]))
    assert about["layer"] == options.get("layer")
    assert about["model"].endswith("/m")


@pytest.mark.parametrize("name", ["a.fa.gz", "a.fq", "-"])
def test_inputs(embed, folder, name):
    wanted = embed("{in}/a.fa").stdout
    source, stdin = (name, (folder / "a.fa.gz").read_bytes()) if name == "-" else (f"{{in}}/{name}", b"")
    assert embed(source, stdin=stdin).stdout == wanted
    header, rows = table(wanted)
    assert header == ["name", "sequence", "start", "end", "strand", *(f"v{i}" for i in range(8))]
    assert [row[0] for row in rows] == [f"r{i}" for i in range(7)]


def test_windows(embed, model, tmp_path):
    assert embed("{in}/a.fa -o {out}/v.npz --window 100 --overlap 40").exit == 0
    with np.load(tmp_path / "v.npz") as found:
        names, vectors = found["names"].tolist(), found["vectors"]
    assert names[:5] == ["r0:0-80", "r1:0-1", "r2:0-100", "r2:60-160", "r2:120-200"]
    wanted = model.embed(some_texts(LENGTHS), window=100, overlap=40)
    assert np.abs(vectors - np.concatenate(wanted)).max() < 1e-5


@pytest.mark.parametrize("stranded", ["", "--stranded"])
def test_regions(embed, model, stranded):
    done = embed(f"{{in}}/g.fa --regions {{in}}/peaks.bed {stranded}")
    _, rows = table(done.stdout)
    genome = some_texts([700, 500], "ACGTN")
    texts = [genome[1][100:250], genome[0][:30], genome[1][499:]]
    names = ["chr1:100-250", "chr0:0-30", "chr1:499-500"]
    if stranded:
        texts[0] = reverse_complement_text(texts[0])
        names[0] += "(-)"
    assert [row[0] for row in rows] == names
    assert [row[1:5] for row in rows] == [
        ["chr1", "100", "250", "-" if stranded else "+"],
        ["chr0", "0", "30", "+"],
        ["chr1", "499", "500", "+"],
    ]
    found = np.array([row[5:] for row in rows], float)
    assert np.abs(found - model.embed(texts)).max() < 1e-4


def test_windows_of_a_region_on_the_reverse_strand(embed, model):
    _, rows = table(embed("{in}/g.fa --regions {in}/peaks.bed --stranded --window 100").stdout)
    assert [row[0] for row in rows] == [
        "chr1:150-250(-)", "chr1:100-150(-)", "chr0:0-30", "chr1:499-500",
    ]  # fmt: skip
    text = reverse_complement_text(some_texts([700, 500], "ACGTN")[1][150:250])
    assert np.abs(np.array(rows[0][5:], float) - model.embed([text])[0]).max() < 1e-4


def test_vectors_of_bases(embed, model, tmp_path):
    assert embed("{in}/a.fa -o {out}/v.npz --pool none").exit == 0
    wanted = model.embed(some_texts(LENGTHS), pool="none")
    with np.load(tmp_path / "v.npz") as found:
        assert found["offsets"].tolist() == np.cumsum([0, *LENGTHS]).tolist()
        assert np.abs(found["vectors"] - np.concatenate(wanted)).max() < 1e-5
    assert embed("{in}/a.fa -o {out}/w.npz --pool none --window 50 --overlap 10").exit == 0
    wanted = model.embed(some_texts(LENGTHS), pool="none", window=50, overlap=10)
    with np.load(tmp_path / "w.npz") as found:
        assert found["names"].tolist() == [f"r{i}" for i in range(7)]
        assert np.abs(found["vectors"] - np.concatenate(wanted)).max() < 1e-5
    header, rows = table(embed("{in}/g.fa --regions {in}/peaks.bed --stranded --pool none").stdout)
    assert header[:4] == ["name", "sequence", "position", "strand"]
    assert [int(row[2]) for row in rows] == [*range(249, 99, -1), *range(30), 499]


def test_parquet(embed, model, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    assert embed("{in}/a.fa -o {out}/v.parquet").exit == 0
    found = parquet.read_table(tmp_path / "v.parquet")
    assert found["name"].to_pylist() == [f"r{i}" for i in range(7)]
    assert np.abs(np.array(found["vector"].to_pylist()) - model.embed(some_texts(LENGTHS))).max() < 1e-5


@pytest.mark.parametrize("words", ["", "--one-strand", "--window 50 --overlap 20", "--window 60"])
def test_scores(embed, model, words):
    done = embed(f"{{in}}/a.fa --scores - {words}")
    header, rows = table(done.stdout)
    assert header == ["name", "sequence", "start", "end", "strand", "log_likelihood", "bits_per_base"]
    named = {"both_strands": "--one-strand" not in words}
    if "--window" in words:
        named |= {"window": int(words.split()[1]), "overlap": 20 if "--overlap" in words else 0}
    wanted = model.scores(some_texts(LENGTHS), **named)
    assert [float(row[5]) for row in rows] == pytest.approx([score.nats for score in wanted], abs=1e-3)
    bits = [float(row[6]) for row in rows]
    assert bits == pytest.approx([score.bits_per_base for score in wanted], abs=1e-4, nan_ok=True)
    total = sum(s.nats for s in wanted) / sum(s.bases for s in wanted) / -np.log(2)
    assert f"{total:.4f} bits/base" in done.stderr
    assert "vectors" not in done.stderr


def test_vectors_and_scores_at_once(embed, tmp_path):
    assert embed("{in}/a.fa -o {out}/v.tsv --layer 1 --scores {out}/s.tsv --json {out}/j.json").exit == 0
    assert (tmp_path / "v.tsv").read_text() == embed("{in}/a.fa --layer 1").stdout
    assert (tmp_path / "s.tsv").read_text() == embed("{in}/a.fa --scores -").stdout
    summary = json.loads((tmp_path / "j.json").read_text())
    assert (summary["sequences"], summary["bases"], summary["vectors"]) == (7, 583, 7)
    assert 1 < summary["bits_per_base"] < 4
    assert (summary["precision"], summary["device"], summary["channels"]) == ("fp32", "cpu", 8)


def test_number_of_threads_changes_no_byte(embed, run, folder, tmp_path):
    words = "{in}/a.fa -o {out}/%s.npz --scores {out}/%s.tsv"
    assert embed(words % ("one", "one")).exit == 0
    assert embed(words % ("more", "more") + " -t 3").exit == 0
    for ending in ("npz", "tsv"):
        assert (tmp_path / f"one.{ending}").read_bytes() == (tmp_path / f"more.{ending}").read_bytes()


def test_reduced_precision(embed):
    exact, rounded = (
        np.array([row[5:] for row in table(embed(f"{{in}}/a.fa --precision {p}").stdout)[1]], float)
        for p in ("fp32", "bf16")
    )
    assert 0 < np.abs(exact - rounded).max() < 0.2


def test_other_letters_are_counted(embed, run, folder, tmp_path):
    (tmp_path / "iupac.fa").write_text(">a\nACGRYN\n>b\nWSACGT\n")
    done = embed("{out}/iupac.fa -q -o {out}/v.npz --json {out}/j.json")
    assert done.stderr.count("\n") == 1
    assert (
        "warning: 4 letters that are neither A, C, G, T nor N (IUPAC codes, gaps): read as N" in done.stderr
    )
    assert json.loads((tmp_path / "j.json").read_text())["read_as_n"] == 4


@pytest.mark.parametrize("words", ["{in}/empty.fa", "{in}/g.fa --regions {in}/empty.fa"])
def test_empty_input(embed, tmp_path, words):
    done = embed(f"{words} -o {{out}}/v.npz --scores {{out}}/s.tsv")
    assert done.exit == 0
    assert "warning" in done.stderr
    with np.load(tmp_path / "v.npz") as found:
        assert found["vectors"].shape == (0, 8)
    assert table((tmp_path / "s.tsv").read_text())[1] == []


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("{in}/none.fa", 1, "none.fa: no such file"),
        (
            "{in}/g.fa",
            2,
            r"chr0: 700 tokens are more than the 200 that this model holds; cut them into windows",
        ),
        ("{in}/bad.fa", 1, "bad.fa:2: '*' is not a nucleotide letter"),
        ("{in}/norecord.fa", 1, "norecord.fa:1: the record '>a' has no bases"),
        ("{in}/text.fa", 1, "text.fa:1: the file starts with 'hello'"),
        ("{in}/cut.fa.gz", 1, "cut.fa.gz: the compressed data ends early"),
        ("{in}/a.fa -o {out}/v.csv", 2, "v.csv: vectors are written to files that end in .npz, .parquet"),
        ("{in}/a.fa -o {out}/no/v.npz", 1, "there is no folder"),
        ("{in}/a.fa -o {out}/x.tsv --scores {out}/x.tsv", 2, "-o and --scores both go to"),
        ("{in}/a.fa --scores {in}/a.fa", 2, "is an input of this run"),
        ("{in}/a.fa --layer 3", 2, "layer 3; this model has 0 (the embedding) to 2"),
        ("{in}/a.fa --window 201", 2, "a window of 201 bp; this model holds 1..200"),
        ("{in}/a.fa --window 0", 2, "0 is out of range (allowed: 1 or more)"),
        ("{in}/a.fa --overlap 5", 2, "an overlap is of windows"),
        ("{in}/a.fa --window 50 --overlap 50", 2, "an overlap of 50 bp in windows of 50"),
        ("{in}/a.fa --stranded", 2, "--stranded is about the strands of --regions"),
        ("{in}/a.fa --one-strand", 2, "--one-strand is about --scores"),
        ("- --regions -", 2, "only one of SEQS and --regions can be standard input"),
        ("{in}/g.fa --regions {in}/two.bed", 1, "two.bed:2: 2 columns in a line of BED"),
        ("{in}/g.fa --regions {in}/contig.bed", 1, "contig.bed:1: contig 'chr2' is not in"),
        (
            "{in}/g.fa --regions {in}/far.bed",
            1,
            "far.bed:1: chr1:0-501 ends behind the contig, which has 500",
        ),
        ("{in}/g.fa --regions {in}/long.bed", 2, "chr0:0-201: 201 tokens are more than the 200"),
        ("{in}/a.fa --device cuda", 2, "this machine has no usable GPU"),
        ("{in}/a.fa --precision fp8", 2, "invalid choice"),
        ("{in}/a.fa -m nonsense", 2, "no model 'nonsense'"),
        ("{in}/a.fa -m {in}", 1, "cannot be read"),
    ],
)
def test_what_cannot_be_done(embed, folder, tmp_path, words, code, message):
    if "cuda" in words and torch.cuda.is_available():
        pytest.skip("there is a GPU")
    bad = {
        "bad.fa": b">a\nACGT*\n",
        "norecord.fa": b">a\n\n>b\nA\n",
        "text.fa": b"hello",
        "cut.fa.gz": (folder / "a.fa.gz").read_bytes()[:100],
        "two.bed": b"chr1\t1\t5\nchr1\t5\n",
        "contig.bed": b"chr2\t1\t5\n",
        "far.bed": b"chr1\t0\t501\n",
        "long.bed": b"chr0\t0\t201\n",
    }
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    for name, content in bad.items():
        (inputs / name).write_bytes(content)
        words = words.replace(f"{{in}}/{name}", str(inputs / name))
    done = embed(words if " -o" in words or "--scores" in words else f"{words} -o {{out}}/v.npz")
    assert done.exit == code, done.stderr
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert [path.name for path in tmp_path.iterdir()] == ["inputs"]


def test_an_error_late_in_the_file_leaves_nothing(embed, tmp_path):
    records = "".join(f">r{i}\nACGTACGT\n" for i in range(100))
    (tmp_path / "a.fa").write_text(f"{records}>last\nAC!T\n")
    done = embed("{out}/a.fa -o {out}/v.npz --scores {out}/s.tsv")
    assert done.exit == 1
    assert "a.fa:202: '!' is not a nucleotide letter" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a.fa"]


def test_parquet_without_pyarrow(embed, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    done = embed("{in}/a.fa -o {out}/v.parquet")
    assert done.exit == 2
    assert "needs pyarrow, which is not installed" in done.stderr
    assert not list(tmp_path.iterdir())


def test_ctrl_c_leaves_nothing(start, folder, tmp_path, appears):
    genome = tmp_path / "g.fa"
    genome.write_text(">a\n" + "ACGT" * 4_000_000 + "\n")
    process = start(
        "embed", genome, "-m", folder / "m", "--device", "cpu", "-t", "2", "--window", "100",
        "-o", tmp_path / "v.npz", "--scores", tmp_path / "s.tsv",
    )  # fmt: skip
    appears(tmp_path, ".s.tsv.*")
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert process.stderr.read().decode().endswith("interrupted\n")
    assert [path.name for path in tmp_path.iterdir()] == ["g.fa"]
