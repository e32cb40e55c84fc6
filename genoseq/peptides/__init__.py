"""Peptide binders from the sequence of a protein, with a masked language model."""
