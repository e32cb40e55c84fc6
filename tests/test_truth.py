"""Names of simulated reads tell where they are from."""

import numpy as np
import pytest

from genoseq.errors import InputError
from genoseq.truth import Truth, origin_names, parse_truth


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("0:chr1:5:10:+", Truth(0, "chr1", 5, 10, "+")),
        ("12:HLA:A*01:01:100:250:-", Truth(12, "HLA:A*01:01", 100, 250, "-")),
        ("3:1:2:3:4:5:+", Truth(3, "1:2:3", 4, 5, "+")),
        ("8:chr1:100:250:+:380:530:-", Truth(8, "chr1", 100, 250, "+")),
    ],
)
def test_parse_truth(name, expected):
    assert parse_truth(name) == expected


@pytest.mark.parametrize(
    "name", ["", "read1", "1:chr:5:10", "1:chr:5:10:*", "1::5:10:+", "x:chr:5:10:+", "1:c:9:5:+"]
)
def test_names_without_truth(name):
    with pytest.raises(InputError, match="does not tell the origin"):
        parse_truth(name)


def test_the_second_mate_has_a_place_of_its_own():
    assert parse_truth("8:chr1:100:250:+:380:530:-", mate=2) == Truth(8, "chr1", 380, 530, "-")
    with pytest.raises(InputError, match="of each mate"):
        parse_truth("8:chr1:100:250:+", mate=2)


def test_names_can_be_read_again():
    places = np.array([[0, 5, 9, 0], [1, 100, 250, 1]])
    assert [parse_truth(n.decode()) for n in origin_names(7, ["a", "b:c"], places, 1)] == [
        Truth(7, "a", 5, 9, "+"),
        Truth(8, "b:c", 100, 250, "-"),
    ]
    one, two = origin_names(7, ["a"], np.array([[0, 5, 9, 0], [0, 20, 24, 1]]), 2)
    assert one == two
    assert parse_truth(two.decode(), mate=2) == Truth(7, "a", 20, 24, "-")
