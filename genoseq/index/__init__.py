"""The index of a genome: packed bases, cells, vectors, and the folder that holds them."""
