"""PepMLM in Python: tables, the same for the same seed."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytest.importorskip("Bio")

from genoseq.errors import CheckpointError, GenoseqWarning, InputError, UsageError
from genoseq.models import registry
from genoseq.models.registry import KnownModel
from genoseq.peptides import pepmlm
from genoseq.peptides.decoders import Independent
from genoseq.peptides.model import MaskedModel
from genoseq.peptides.network import save_network
from genoseq.peptides.pepmlm import LARGE, SMALL, PepMLM, default_model, words_on_default
from genoseq.peptides.template import Template

TARGET = "MKTAYIAKQRQISFVKSHFSRQ"


@pytest.fixture
def model(make_network, tmp_path):
    save_network(make_network(layers=1, hidden=16), tmp_path / "tiny")
    return PepMLM.load(tmp_path / "tiny", device="cpu")


def rows(table):
    return table if isinstance(table, list) else table.to_dict("records")


def test_a_table_of_designs(model):
    options = {"n": 4, "length": [5, 6], "decoder": Independent(), "seed": 3}
    found = rows(model.design(TARGET, **options))
    assert [row["rank"] for row in found] == [1, 2, 3, 4]
    assert [row["perplexity"] for row in found] == sorted(row["perplexity"] for row in found)
    assert {row["length"] for row in found} <= {5, 6}
    assert {"charge", "gravy", "difficulty", "part"} < set(found[0])
    again = rows(model.design(TARGET.lower(), **options))
    assert [row["peptide"] for row in again] == [row["peptide"] for row in found]


def test_templates_filters_decoys(model):
    found = rows(
        model.design(
            TARGET, 3, template="K????", avoid="CM", decoder=Independent(), filters="charge>=0",
            candidates=60, decoys=["MWWWWWWWAAAALLLLKKKK"], select="specificity",
        )
    )  # fmt: skip
    template = Template.parse("K????").avoiding("CM")
    assert all(template.fits(row["peptide"]) and row["charge"] >= 0 for row in found)
    assert [row["specificity"] for row in found] == sorted(
        (row["specificity"] for row in found), reverse=True
    )


def test_scores(model):
    found = rows(model.score(TARGET, ["MKV", "WWWW"], known=["MKV"]))
    assert {row["peptide"] for row in found} == {"MKV", "WWWW"}
    assert max(row["nearest_known"] for row in found) == 1


def test_a_table_without_pandas(model, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    assert isinstance(model.score(TARGET, ["MKV"]), list)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda model: model.design("", 2, 4), UsageError, "target is empty"),
        (lambda model: model.design("MK-V", 2, 4), InputError, "'-' at position 2"),
        (lambda model: model.design(TARGET, 2, 0), UsageError, "a peptide of 0 letters"),
        (
            lambda model: model.design(TARGET, 2, 4, decoys=[TARGET]),
            UsageError,
            "the decoy decoy 1 is the target",
        ),
        (lambda model: model.design(TARGET, 2, 4, filters="charge>99"), InputError, "the filters reject all"),
        (lambda model: PepMLM.load("nothing"), UsageError, "no model 'nothing'"),
        (lambda model: MaskedModel.load("hyena-tiny"), UsageError, "hyena-tiny is a model of the kind hyena"),
        (lambda model: PepMLM.load(LARGE), CheckpointError, f"genoseq models pull {LARGE}"),
    ],
)
def test_what_is_refused(model, call, error, words, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    with pytest.raises(error) as caught:
        call(model)
    assert words in str(caught.value)


def test_the_large_model_is_the_default_once_it_is_here(model, monkeypatch, tmp_path):
    monkeypatch.setattr(pepmlm, "find_model", lambda name: None)
    monkeypatch.setattr(pepmlm, "cached", lambda known: None)
    with pytest.raises(CheckpointError, match=f"genoseq models pull {LARGE}"):
        default_model()
    small = KnownModel(SMALL, "esm", "small", "MIT", worth="of some worth")
    monkeypatch.setattr(pepmlm, "find_model", lambda name: small)
    others = (model for model in registry.MODELS if model.name != SMALL)
    monkeypatch.setattr(registry, "MODELS", (*others, small))
    monkeypatch.setattr(registry, "SHIPPED", tmp_path)
    (tmp_path / "tiny").rename(tmp_path / SMALL)
    monkeypatch.setattr(pepmlm, "cached", lambda known: known.folder if known.ships else None)
    assert default_model() == SMALL
    with pytest.warns(GenoseqWarning, match=f"{SMALL} is used, a small model, .* of some worth"):
        assert PepMLM.load(device="cpu").model.name == SMALL
    monkeypatch.setattr(pepmlm, "cached", lambda known: tmp_path)
    assert default_model() == LARGE
    assert words_on_default(LARGE) is None


def test_closed_peptides_have_no_ends(model):
    options = {"n": 2, "length": 4, "template": "GGGG", "candidates": 2}
    found = rows(model.design(TARGET, **options, cyclic=True))
    assert [row["charge"] for row in found] == [0]
    assert rows(model.design(TARGET, **options))[0]["charge"] != 0
