"""Bits of FLAG (SAM specification, section 1.4); FAILED tells of the read, the others of its alignment."""

from __future__ import annotations

PAIRED, PROPER, UNMAPPED, MATE_UNMAPPED, REVERSE, MATE_REVERSE, FIRST, LAST, SECONDARY, SUPPLEMENTARY = (
    1, 2, 4, 8, 16, 32, 64, 128, 256, 2048,
)  # fmt: skip
FAILED = 512
NOT_PRIMARY = SECONDARY | SUPPLEMENTARY
