"""NCDClassifier against a naive one, in scikit-learn's tools, with its own promises."""

from __future__ import annotations

import gzip
import pickle
from collections import Counter

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from genoseq.errors import GenoseqWarning, InputError, UsageError
from genoseq.ncd.compressors import Gzip, Zstd
from genoseq.ncd.distances import distance_matrix
from genoseq.ncd.neighbours import NCDClassifier
from genoseq.sequence import decode, reverse_complement_text


def families(seed, members=12, classes=3, length=300, changed=0.25):
    """Texts and labels: mutated copies of one random sequence a class."""
    rng = np.random.default_rng(seed)
    texts, labels = [], []
    for number in range(classes):
        parent = np.random.default_rng(100 + number).integers(4, size=length).astype(np.uint8)
        for _ in range(members):
            child = parent[: int(rng.integers(length // 2, length))].copy()
            places = rng.random(len(child)) < changed
            child[places] = rng.integers(4, size=int(places.sum()))
            texts.append(decode(child))
            labels.append(("kinase", "synthase", "receptor")[number])
    order = rng.permutation(len(texts))
    return [texts[i] for i in order], np.array([labels[i] for i in order])


def naive(texts, labels, query, k):
    """Label, shares of votes, distances and numbers of the neighbours."""

    def size(text):
        return len(gzip.compress(text.encode()))

    rows = []
    for number, text in enumerate(texts):
        low, high = sorted((size(query), size(text)))
        rows.append(((size(query + " " + text) - low) / high, number))
    rows = sorted(rows)[:k]
    votes = Counter(labels[number] for _, number in rows)
    winner = next(labels[number] for _, number in rows if votes[labels[number]] == max(votes.values()))
    return winner, votes, rows


@pytest.mark.parametrize("k", [1, 2, 3, 6])
def test_as_a_naive_one(k):
    texts, labels = families(1, changed=0.5)
    queries, _ = families(2, members=5, changed=0.5)
    model = NCDClassifier(n_neighbors=k).fit(texts, labels)
    predicted, shares = model.predict(queries), model.predict_proba(queries)
    distances, numbers = model.kneighbors(queries)
    assert model.classes_.tolist() == sorted(set(labels))
    for row, query in enumerate(queries):
        winner, votes, rows = naive(texts, labels, query, k)
        assert predicted[row] == winner
        assert shares[row].tolist() == [votes[name] / k for name in model.classes_]
        assert list(zip(distances[row], numbers[row], strict=True)) == rows


def test_ties_of_distance_go_to_the_first_and_ties_of_votes_to_the_nearest():
    texts = ["ACGTTGCATCGA", "GGATTACAGGAT", "GGATTACAGGAT", "ACGTTGCATCGA"]
    model = NCDClassifier().fit(texts, ["z", "y", "x", "w"])
    assert model.predict(texts).tolist() == ["z", "y", "y", "z"]
    assert model.kneighbors(["GGATTACAGGAT"], 2, return_distance=False).tolist() == [[1, 2]]
    two = NCDClassifier(n_neighbors=2).fit([texts[0], texts[1], texts[1]], ["z", "y", "z"])
    assert two.predict([texts[1]]).tolist() == ["y"]  # one vote each
    assert two.predict_proba([texts[1]]).tolist() == [[0.5, 0.5]]


@pytest.mark.parametrize("kind", [list, tuple, np.array, lambda texts: np.array(texts, object)])
def test_kinds_of_input(kind):
    texts, labels = families(3, members=4)
    expected = NCDClassifier().fit(texts, labels).predict(texts)
    assert NCDClassifier().fit(kind(texts), list(labels)).predict(kind(texts)).tolist() == expected.tolist()


def test_neighbours_of_the_training_set_leave_each_one_out():
    texts, labels = families(4, members=6)
    model = NCDClassifier().fit(texts, labels)
    distances, numbers = model.kneighbors(n_neighbors=4)
    matrix = distance_matrix(texts, texts)
    np.fill_diagonal(matrix, np.inf)
    assert numbers.tolist() == np.argsort(matrix, 1, kind="stable")[:, :4].tolist()
    assert np.array_equal(distances, np.sort(matrix, 1)[:, :4])
    filtered = NCDClassifier(prefilter=17).fit(texts, labels)
    assert np.array_equal(filtered.kneighbors(n_neighbors=4)[1], numbers)


def test_both_strands():
    texts, labels = families(5, changed=0.1)
    queries, truth = families(6, changed=0.1)
    turned = [reverse_complement_text(text) for text in queries]
    for prefilter in (None, 4):
        model = NCDClassifier(both_strands=True, prefilter=prefilter).fit(texts, labels)
        assert (model.predict(queries) == truth).all()
        assert (model.predict(turned) == truth).all()
    assert (NCDClassifier().fit(texts, labels).predict(turned) != truth).any()


def test_a_prefilter_that_keeps_all_changes_nothing_and_a_small_one_little():
    texts, labels = families(7, members=30)
    queries, truth = families(8, members=10)
    exact = NCDClassifier(n_neighbors=3).fit(texts, labels)
    all_of_them = NCDClassifier(n_neighbors=3, prefilter=1000).fit(texts, labels)
    assert np.array_equal(exact.kneighbors(queries)[0], all_of_them.kneighbors(queries)[0])
    assert np.array_equal(exact.kneighbors(queries)[1], all_of_them.kneighbors(queries)[1])
    few = NCDClassifier(n_neighbors=3, prefilter=8).fit(texts, labels)
    assert (few.predict(queries) == truth).mean() >= (exact.predict(queries) == truth).mean()
    near, far = exact.kneighbors(queries)[0], few.kneighbors(queries)[0]
    assert (far >= near).all()
    # a word that is too long for divergent relatives still leaves a full set of neighbours
    assert NCDClassifier(n_neighbors=8, prefilter=8, prefilter_k=12).fit(texts, labels).predict(
        ["AC"]
    ).shape == (1,)


@pytest.mark.parametrize("jobs", [3, -1])
def test_jobs_change_nothing(jobs):
    texts, labels = families(9)
    queries, _ = families(10)
    one, many = (NCDClassifier("zstd", n_jobs=each, reject=0.2).fit(texts, labels) for each in (None, jobs))
    assert np.array_equal(one.kneighbors(queries)[0], many.kneighbors(queries)[0])
    assert np.array_equal(one.thresholds_, many.thresholds_)


def test_progress_and_no_queries():
    texts, labels = families(11, members=3)
    model = NCDClassifier().fit(texts, labels)
    told = []
    model.kneighbors(texts, progress=told.append)
    assert sum(told) == len(texts)
    assert model.predict([]).shape == (0,)
    assert model.predict_proba([]).shape == (0, 3)


def test_rejection_keeps_its_share_of_members_and_refuses_strangers():
    texts, labels = families(12, members=60, changed=0.05)
    members, truth = families(13, members=60, changed=0.05)
    rng = np.random.default_rng(14)
    strangers = [
        decode(rng.integers(4, size=int(rng.integers(150, 300))).astype(np.uint8)) for _ in range(60)
    ]
    for prefilter in (None, 10):
        model = NCDClassifier(reject=0.1, prefilter=prefilter).fit(texts, labels)
        refused = ~model.accepts(members)
        assert 0.03 < refused.mean() < 0.2  # 0.1 is promised; 180 members
        assert model.accepts(strangers).mean() < 0.1
        predicted = model.predict(members)
        assert ((predicted == "none") == refused).all()
        assert (predicted[~refused] == truth[~refused]).mean() > 0.95
        assert model.predict_proba(strangers).sum(1).tolist() == [1.0] * 60


@pytest.mark.parametrize("k", [1, 3])
def test_thresholds_are_ranks_of_distances_to_the_class_that_is_predicted(k):
    texts, labels = families(15, members=25, changed=0.2)
    labels[np.flatnonzero(labels == "kinase")[3:]] = "receptor"  # three kinases are too few for 10 %
    model = NCDClassifier(n_neighbors=k, reject=0.1).fit(texts, labels)
    predicted, nearest = [], []
    for number, text in enumerate(texts):
        rest = [i for i in range(len(texts)) if i != number]
        winner, _, rows = naive([texts[i] for i in rest], labels[rest], text, k)
        predicted.append(winner)
        nearest.append(min(distance for distance, i in rows if labels[rest][i] == winner))
    predicted, nearest = np.array(predicted), np.array(nearest)

    def ranked(values):
        return np.sort(values)[int(np.ceil((len(values) + 1) * 0.9)) - 1]

    assert 0 <= (predicted == "kinase").sum() < 9
    of_class = [nearest[predicted == name] for name in ("receptor", "synthase")]
    assert model.thresholds_.tolist() == [ranked(nearest), *map(ranked, of_class)]


def test_labels_of_what_is_rejected():
    texts, labels = families(16, members=20)
    _, numbers = np.unique(labels, return_inverse=True)
    stranger = ["CATTAG" * 40]
    assert NCDClassifier(reject=0.1).fit(texts, numbers).predict(stranger).tolist() == [-1]
    assert NCDClassifier(reject=0.1).fit(texts, labels).predict(stranger).tolist() == ["none"]
    named = NCDClassifier(reject=0.1, reject_label="a longer name than any class").fit(texts, labels)
    assert named.predict(stranger).tolist() == ["a longer name than any class"]


def test_in_tools_of_scikit_learn():
    texts, labels = families(17, members=8, changed=0.08)
    folds = StratifiedKFold(4)
    assert cross_val_score(NCDClassifier(), texts, labels, cv=folds).mean() > 0.9
    array = np.array(texts, object)
    assert cross_val_predict(NCDClassifier(), array, labels, cv=folds, method="predict_proba").shape == (
        24,
        3,
    )
    steps = make_pipeline(FunctionTransformer(lambda X: [text.lower() for text in X]), NCDClassifier())
    assert (steps.fit(texts, labels).predict(texts) == labels).all()
    grid = {"compressor": ["gzip", Zstd(19)], "n_neighbors": [1, 3], "metric": ["ncd", "clm"]}
    search = GridSearchCV(NCDClassifier(prefilter=9), grid, cv=folds, error_score="raise").fit(texts, labels)
    assert search.best_score_ > 0.9
    assert len(search.cv_results_["params"]) == 8


def test_clone_and_pickle():
    texts, labels = families(18, members=20)
    model = NCDClassifier(Gzip(6), 3, both_strands=True, prefilter=5, reject=0.2, n_jobs=2)
    assert clone(model).get_params() == model.get_params()
    model.fit(texts, labels)
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.predict(texts), model.predict(texts))
    with pytest.raises(NotFittedError):
        clone(model).predict(texts)
    assert "Gzip(level=6)" in repr(model)


def test_tags():
    tags = NCDClassifier().__sklearn_tags__()
    assert tags.estimator_type == "classifier"
    assert tags.input_tags.string
    assert not tags.input_tags.two_d_array


def test_a_window_that_is_passed_is_told():
    rng = np.random.default_rng(19)
    texts = [decode(rng.integers(4, size=20_000).astype(np.uint8)) for _ in range(2)]
    with pytest.warns(GenoseqWarning, match="sees 32,768 back"):
        NCDClassifier().fit(texts, ["a", "b"])
    model = NCDClassifier().fit([text[:10_000] for text in texts], ["a", "b"])
    with pytest.warns(GenoseqWarning, match="sees 32,768 back"):
        model.predict([texts[0] + texts[1]])


@pytest.mark.parametrize(
    ("parameters", "data", "error", "words"),
    [
        ({}, (["AC", "GT"], ["a", "a"]), InputError, r"one class \(a\) .*two classes or more"),
        ({}, ([], []), InputError, "no sequences"),
        ({}, (["AC", ""], ["a", "b"]), InputError, r"X\[1\] is empty"),
        ({}, ("ACGT", ["a", "b"]), UsageError, "X is one sequence"),
        ({}, ([[1.0], [2.0]], ["a", "b"]), UsageError, r"X\[0\] is list"),
        ({}, (["AC", "GT"], ["a"]), ValueError, "inconsistent"),
        ({}, (["AC", "GT"], [1.0, float("nan")]), ValueError, "Input y contains NaN"),
        ({"n_neighbors": 3}, (["AC", "GT"], ["a", "b"]), UsageError, r"n_neighbors is 3; 1\.\.2"),
        ({"n_neighbors": 0}, (["AC", "GT"], ["a", "b"]), UsageError, r"1\.\.2"),
        ({"metric": "x"}, (["AC", "GT"], ["a", "b"]), UsageError, "ncd, cdm, clm"),
        ({"compressor": "x"}, (["AC", "GT"], ["a", "b"]), UsageError, "gzip, snappy"),
        ({"prefilter": 1, "n_neighbors": 2}, (["AC", "GT"], ["a", "b"]), UsageError, "prefilter is 1"),
        ({"prefilter": 1, "prefilter_k": 13}, (["AC", "GT"], ["a", "b"]), UsageError, r"1\.\.12"),
        ({"reject": 1.0}, (["AC", "GT"], ["a", "b"]), UsageError, "between 0 and 1"),
        (
            {"reject": 0.05},
            (["AC", "GT", "GG"], ["a", "b", "b"]),
            UsageError,
            "on 3 sequences; 19 are needed",
        ),
        ({"n_jobs": 0}, (["AC", "GT"], ["a", "b"]), UsageError, "n_jobs is 0"),
        ({"both_strands": True}, (["AC", "PE"], ["a", "b"]), InputError, "'P' at position 0"),
    ],
)
def test_bad_input(parameters, data, error, words):
    with pytest.raises(error, match=words):
        NCDClassifier(**parameters).fit(*data)


def test_bad_queries():
    model = NCDClassifier().fit(["AC", "GT"], ["a", "b"])
    with pytest.raises(UsageError, match="one sequence"):
        model.predict("ACGT")
    with pytest.raises(UsageError, match=r"n_neighbors is 2; 1\.\.1"):
        model.kneighbors(n_neighbors=2)
    with pytest.raises(UsageError, match="nothing is rejected"):
        model.accepts(["AC"])
