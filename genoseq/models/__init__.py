"""Models: the known weights, and how files of weights are read and written safely."""
