"""`python -m genoseq` is the command `genoseq`."""

from __future__ import annotations

from genoseq.cli import main_cli

if __name__ == "__main__":
    main_cli()
