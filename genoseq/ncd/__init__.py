"""Compression: what a sequence costs in bits under a model of others, and what follows from it."""
