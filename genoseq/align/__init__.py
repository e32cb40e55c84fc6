"""Alignment: search by embeddings, vote, verify, extend, judge."""
