"""stub"""


def measure_windows(bench):
    pass
