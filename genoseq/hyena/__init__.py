"""HyenaDNA: single-nucleotide language models over up to a million bases."""
