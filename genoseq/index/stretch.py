"""What of a reference belongs to a shard: stretches of one length, whatever the contigs are.

Cutting by length and not by contig keeps the tasks even, and lets there be more of them than large contigs.
"""

from __future__ import annotations

from genoseq.index.packed import BASES_OF_WORD, words_for


def stretch(number: int, of: int, bases: int) -> tuple[int, int]:
    """What of a reference is shard `number` of `of`: start and end, concatenated coordinates.

    The borders are multiples of 32 bp, so that a word of `bases.2bit` belongs to one shard.

    Examples
    --------
    >>> [stretch(number, 3, 1000) for number in (1, 2, 3)]
    [(0, 320), (320, 640), (640, 1000)]
    """
    start = (number - 1) * bases // of // BASES_OF_WORD * BASES_OF_WORD
    end = bases if number == of else number * bases // of // BASES_OF_WORD * BASES_OF_WORD
    return start, end


def words_of_stretch(number: int, of: int, bases: int) -> range:
    """The words of `bases.2bit` that belong to a shard; the last one has the spare word at the end."""
    start, end = stretch(number, of, bases)
    return range(start // BASES_OF_WORD, words_for(bases) if number == of else end // BASES_OF_WORD)
