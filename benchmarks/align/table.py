"""stub"""


def write_report(bench, folder):
    return ""
