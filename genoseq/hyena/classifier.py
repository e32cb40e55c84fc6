"""A classifier for a notebook: load it, give it sequences.

classifier = HyenaClassifier.load("run/")
classifier.predict(["ACGTTGCA", "GATTACA"])
classifier.probabilities(["ACGTTGCA", "GATTACA"])
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genoseq.hyena.heads import Classifier, read_classifier, vectors_of
from genoseq.hyena.hyenadna import HyenaDNA
from genoseq.hyena.tokenizer import tokens_of_texts, warn_of_others
from genoseq.models.device import choose_device
from genoseq.models.hub import find_weights
from genoseq.supervised.regression import softmax

__all__ = ["HyenaClassifier"]


class HyenaClassifier:
    """A HyenaDNA classifier, ready for use.

    Parameters
    ----------
    classifier : Classifier
        In evaluation mode, on the device that it shall run on.
    name : str
        For messages.
    precision : str
        Type of the matrix products: "fp32", or "bf16" by autocast.
    """

    def __init__(self, classifier: Classifier, name: str = "HyenaDNA", *, precision: str = "fp32") -> None:
        self.model = HyenaDNA(classifier.network, name, precision=precision)
        self.head = classifier.head
        output = (part.detach().double().cpu().numpy() for part in classifier.output.parameters())
        self._weight, self._bias = output

    @classmethod
    def load(
        cls,
        name: str | Path,
        *,
        classes: Sequence[str] = (),
        device: str = "auto",
        precision: str = "fp32",
    ) -> HyenaClassifier:
        """Load a classifier from the folder of ``genoseq train hyena-classifier``, or a published file.

        Parameters
        ----------
        classes : sequence of str
            Names of the classes, for weights that do not tell them.
        device, precision : str
            As `HyenaDNA.load`.

        Raises
        ------
        UsageError
            If there is no such model, the device is not there, or the names do not fit.
        CheckpointError
            If the model has no head, or is damaged.
        """
        chosen = choose_device(device)
        classifier = read_classifier(find_weights(name), classes)
        return cls(classifier.to(chosen), str(name), precision=precision)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the probabilities."""
        return self.head.classes

    def probabilities(self, sequences: Sequence[str]) -> NDArray[np.float64]:
        """Probability of each class: float64 (n, classes).

        Case makes no difference, IUPAC codes other than A, C, G, T are read as N.

        Raises
        ------
        UsageError
            If it is one sequence in the place of a list.
        InputError
            If a sequence is empty or holds other letters.
        """
        tokens, others = tokens_of_texts(sequences)
        warn_of_others(others)
        return np.reshape(list(self.stream(tokens)), (len(tokens), len(self.classes)))

    def predict(self, sequences: Sequence[str]) -> list[str]:
        """The most probable class of each sequence."""
        return [self.classes[number] for number in self.probabilities(sequences).argmax(1)]

    def stream(self, tokens: Iterable[NDArray[np.uint8]]) -> Iterator[NDArray[np.float64]]:
        """Probabilities of sequences, as tokens, one after the other: float64 (classes,)."""
        for vector in vectors_of(self.model.network, tokens, self.head, self.model.inference):
            yield softmax((self._weight @ vector + self._bias)[None])[0]
