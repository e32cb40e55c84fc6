"""The classifier of notebooks."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from genoseq.errors import CheckpointError, GenoseqWarning, InputError, UsageError  # noqa: E402
from genoseq.hyena.classifier import HyenaClassifier  # noqa: E402
from genoseq.hyena.heads import Classifier, Head, save_classifier  # noqa: E402
from genoseq.hyena.weights import save_network  # noqa: E402
from genoseq.sequence import reverse_complement_text  # noqa: E402


@pytest.fixture
def classifier(network, tmp_path):
    torch.manual_seed(1)
    save_classifier(Classifier(network, Head(("a", "b", "c"), window=100)), tmp_path / "run")
    return HyenaClassifier.load(tmp_path / "run", device="cpu")


def test_labels_and_probabilities(classifier):
    texts = ["ACGTTGCA", "g" * 40, "ACCA" * 200, "T"]
    found = classifier.probabilities(texts)
    assert found.shape == (4, 3)
    assert found.sum(1) == pytest.approx(np.ones(4))
    assert classifier.predict(texts) == [classifier.classes[i] for i in found.argmax(1)]
    alone = np.concatenate([classifier.probabilities([text]) for text in texts])
    assert found == pytest.approx(alone, abs=1e-6)
    assert found.std(0).max() > 1e-3


def test_both_strands_have_one_answer(classifier):
    texts = ["ACGTTGCAAA" * 9, "GGGA" * 5]
    turned = [reverse_complement_text(text) for text in texts]
    assert classifier.probabilities(texts) == pytest.approx(classifier.probabilities(turned), abs=1e-6)


def test_no_sequences(classifier):
    assert classifier.probabilities([]).shape == (0, 3)
    assert classifier.predict([]) == []


def test_what_is_refused(classifier, network, tmp_path):
    with pytest.raises(UsageError, match="put it into brackets"):
        classifier.predict("ACGT")
    with pytest.raises(InputError, match=r"sequences\[1\]: no bases"):
        classifier.predict(["A", ""])
    with pytest.raises(InputError, match=r"sequences\[0\]: 'X' at position 1"):
        classifier.predict(["AX"])
    with pytest.warns(GenoseqWarning, match="2 letters that are neither"):
        classifier.predict(["ARY"])
    save_network(network, tmp_path / "language")
    with pytest.raises(CheckpointError, match="without a head"):
        HyenaClassifier.load(tmp_path / "language")
    with pytest.raises(UsageError, match="no model 'nothing'"):
        HyenaClassifier.load("nothing")
