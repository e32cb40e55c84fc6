"""The models that genoseq knows by name: what each is, where it is from, under which licence.

A published model is pinned to a revision of its repository on the Hugging Face Hub. A revision is the hash of
a commit, which holds the SHA-256 of every file of weights: it decides the bytes. `genoseq.models.hub` holds
each file against it. The models that ship have their SHA-256 here, and so have others for which several users
of the same revision wrote it down.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from pathlib import Path

from genoseq.errors import UsageError

SHIPPED = Path(__file__).resolve().parents[1] / "weights"
"""The folder of the weights that ship."""


@dataclass(frozen=True)
class KnownModel:
    """A model with a name.

    Attributes
    ----------
    name : str
        What users call it.
    kind : str
        Which code reads it: "hyena", or "esm" for protein models.
    about : str
        In one line.
    licence : str
        Of the weights, an SPDX identifier.
    repository : str
        Owner and name on the Hugging Face Hub; empty for a model that ships.
    revision : str
        Commit of the repository.
    files : tuple of str
        What belongs to it.
    sha256 : dict
        Of files, where it is known; of a model that ships of all.
    worth : str
        What was measured of a model that may be used unasked, in a line.
    """

    name: str
    kind: str
    about: str
    licence: str
    repository: str = ""
    revision: str = ""
    files: tuple[str, ...] = ("config.json", "model.safetensors")
    sha256: dict[str, str] = field(default_factory=dict)
    worth: str = ""

    @property
    def folder(self) -> Path:
        """Where a model that ships is."""
        return SHIPPED / self.name

    @property
    def ships(self) -> bool:
        """Whether the weights are part of genoseq."""
        return not self.repository


def _hyena(name: str, context: str, parameters: str, revision: str) -> KnownModel:
    about = f"HyenaDNA, {context} of context, {parameters} parameters, human genome"
    # licence: metadata of the model cards on the Hub
    return KnownModel(name, "hyena", about, "BSD-3-Clause", f"LongSafari/{name}-hf", revision)


def _esm(name: str, parameters: str, revision: str, sha256: str = "") -> KnownModel:
    about = f"ESM-2, {parameters} parameters, UniRef50 of April 2021"
    hashes = {"model.safetensors": sha256} if sha256 else {}
    return KnownModel(name, "esm", about, "MIT", f"facebook/{name}_UR50D", revision, sha256=hashes)


MODELS: tuple[KnownModel, ...] = (
    KnownModel(
        "hyena-tiny",
        "hyena",
        "HyenaDNA, 16 kb of context, 0.44 M parameters, human chromosome 20",
        "MIT",
        sha256={
            "config.json": "f15cfa9581ed6f763faa7f5cf49ce9f700ac1bfb4dc1549d1d9a47089efbbb9a",
            "model.safetensors": "47c9732be25ee69c85a884ceef98d5196c767a96b10381daba127b6f3153521e",
        },
    ),
    _hyena("hyenadna-tiny-1k-seqlen", "1 kb", "0.44 M", "e8c1effa8673814e257e627d2e1eda9ea5a373f6"),
    _hyena("hyenadna-tiny-1k-seqlen-d256", "1 kb", "1.6 M", "6036d4e144922b44470294f510cbfd2539ba3b7e"),
    _hyena("hyenadna-tiny-16k-seqlen-d128", "16 kb", "0.44 M", "d79fa37e2cd62dd338103c630f95be8f90812d46"),
    _hyena("hyenadna-small-32k-seqlen", "32 kb", "3.3 M", "8fe770c78eb13fe33bf81501612faeddf4d6f331"),
    _hyena("hyenadna-medium-160k-seqlen", "160 kb", "6.6 M", "7ebf71773d22c0ede2cc55cb2be15ee8c289e1ce"),
    _hyena("hyenadna-medium-450k-seqlen", "450 kb", "6.6 M", "42dedd4d374eac0fb8168549e546a3472fbd27ae"),
    _hyena("hyenadna-large-1m-seqlen", "1 Mb", "6.6 M", "0a629abf9c7f85b4ec9aa6a1aefa3adcf1907446"),
    KnownModel(
        "pepmlm-small",
        "esm",
        "PepMLM in small: 4.8 M parameters, trained on proteins, then on peptides behind targets",
        "MIT",
        sha256={
            "config.json": "3d3be6e5abcdb2c82989a43b82f9462988557fd0eff1c2d0d0cabbc4157164d3",
            "model.safetensors": "2d72cfe0c45652190d65364acdf95061c931adb6b5a08a0657af932456080e14",
        },
        worth="mean pseudo-perplexity 17.57 (95 % interval 17.14-18.02) on 203 test peptides; counts of "
        "letters have 18.64, chance 20",
    ),
    KnownModel(
        "esm2-small",
        "esm",
        "ESM-2 in small: 4.8 M parameters, RefSeq and UniProt proteins",
        "MIT",
        sha256={
            "config.json": "3d3be6e5abcdb2c82989a43b82f9462988557fd0eff1c2d0d0cabbc4157164d3",
            "model.safetensors": "b92a9517d4ab45fef01c8762f3bd0105d74c6f4cf9bd05270fdf5e5f24e7540d",
        },
    ),
    KnownModel(
        "pepmlm-650m",
        "esm",
        "PepMLM: ESM-2, 650 M parameters, fine-tuned on peptides behind their targets",
        "MIT",  # card of the model on the Hub
        "ChatterjeeLab/PepMLM-650M",
        "898fca941a9057aebdd1a6164b5ee09a1a71780e",
        ("config.json", "pytorch_model.bin"),
        {"pytorch_model.bin": "8a3225bca1f9acd9f701ca2e46597c12bab92320e32b68f380ddf3b6d3b20770"},
    ),
    _esm(
        "esm2_t6_8M", "8 M", "c731040fcd8d73dceaa04b0a8e6329b345b0f5df",
        "24c5fa474c48f3b754b86efe752d5f189d2bcd88190fa2270fc92b2ef3034189",
    ),
    _esm("esm2_t12_35M", "35 M", "6fbf070e65b0b7291e7bbcd451118c216cff79d8"),
    _esm(
        "esm2_t30_150M", "150 M", "a695f6045e2e32885fa60af20c13cb35398ce30c",
        "c3f1da8aea53bddd32c246c86168c23b9fd72341fb9db9a94436f855f5053566",
    ),
    _esm(
        "esm2_t33_650M", "650 M", "08e4846e537177426273712802403f7ba8261b6c",
        "a08adabb949fa67ad3c14b509d04fd60368b35007b0095e3358f81200c4f4db0",
    ),
)  # fmt: skip
"""DNA models in order of size, then protein models."""


def find_model(name: str) -> KnownModel | None:
    """The model of a name; also with its owner and the ending ``-hf``, as on the Hub.

    Examples
    --------
    >>> find_model("LongSafari/hyenadna-small-32k-seqlen-hf").name
    'hyenadna-small-32k-seqlen'
    """
    return next(
        (model for model in MODELS if name and name in (model.name, f"{model.name}-hf", model.repository)),
        None,
    )


def known_model(name: str) -> KnownModel:
    """The model of a name.

    Raises
    ------
    UsageError
        If there is none, with the names that there are.
    """
    if (model := find_model(name)) is not None:
        return model
    names = [model.name for model in MODELS]
    close = difflib.get_close_matches(name.removesuffix("-hf").rsplit("/")[-1], names, 1)
    hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(names)}"
    raise UsageError(f"no model {name!r}, and no such file or folder; {hint}")
