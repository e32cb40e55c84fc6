"""What every classifier of sequences needs: honest splits, figures with intervals, simple rivals."""
