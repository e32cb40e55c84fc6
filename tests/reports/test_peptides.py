"""The report of peptides: what it shows, and that it needs nothing else."""

from __future__ import annotations

import math
import re
from html.parser import HTMLParser

import pytest

pytest.importorskip("Bio")
pytest.importorskip("matplotlib")

from genoseq.peptides.design import Candidate, Designed
from genoseq.peptides.outputs import Result
from genoseq.peptides.properties import properties_of
from genoseq.peptides.targets import Target
from genoseq.reports.peptides import PeptideRun, render

ABOUT = {"model": "pepmlm-small", "mode": "design", "seed": "1"}


class Page(HTMLParser):
    """Tags that are opened, ids, and headings of tables."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.ids = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.ids += [value for name, value in attributes if name == "id"]


def result(name, peptides, specificity=math.nan):
    candidates = [
        Candidate(text, 4.0 + at, specificity, 0.25, (0, 90), math.nan, properties_of([text])[0])
        for at, text in enumerate(peptides)
    ]
    target = Target(name, "M" * 90, "t.fa")
    return Result.of(Designed(target, candidates, 2 * len(peptides), 1, {"charge>=0": 3}, 2))


def rendered(results, **about):
    text = render(PeptideRun(results, ABOUT | about, "genoseq peptides <t>.fa", 1.5))
    assert not re.search(r"https?:|url\((?!#)|@import|<script", text)
    page = Page(text)
    assert len(set(page.ids)) == len(page.ids)
    return text, page


def test_one_target():
    text, page = rendered([result("<b>", ["KRKD", "KRKE", "WWWWW"], 0.5)])
    assert "<b>" not in text
    assert "<h1>&lt;b&gt;</h1>" in text
    assert "3 peptides of 4 to 5 letters, behind a target of 90 residues, designed by pepmlm-small." in text
    assert [text.count(f"<code>{peptide}</code>") for peptide in ("KRKD", "KRKE", "WWWWW")] == [1, 1, 1]
    assert "charge&gt;=0 rejected 3" in text
    assert page.tags.count("svg") == 4  # one logo, charge and hydropathy, perplexity, specificity
    assert "genoseq peptides &lt;t&gt;.fa" in text
    assert "The model." not in text


def test_several_targets_and_a_note():
    results = [result("a", ["KRKD", "KRKE"]), result("b", []), result("c", ["KRKD", "ARKE"])]
    text, page = rendered(results, model_note="small & weak")
    assert "small &amp; weak" in text
    assert "<h1>3 targets</h1>" in text
    assert "none passed the filters" in text
    assert page.tags.count("svg") == 4  # two logos, charge and hydropathy, perplexity
    assert "Specificity" not in text


def test_nothing_to_show():
    text, page = rendered([])
    assert "<h1>0 targets</h1>" in text
    assert "svg" not in page.tags
