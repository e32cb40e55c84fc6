"""Encoders: sequences to vectors; anchored seeds for alignment, whole windows for comparison."""
