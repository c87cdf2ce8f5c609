"""One sample report against the least its three notebooks could cost: three bare kernels.

A bare kernel is started, runs one empty cell and ends, by the same papermill call. Both sides run
in turn, each in a process of its own, so that both pay for their imports.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 3

BARE = """
import sys
from pathlib import Path
import nbformat
from ccanalytics.report.engine import execute
folder = Path(sys.argv[1])
empty = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("None")])
paths = [folder / f"bare{n}.ipynb" for n in range(3)]
for path in paths:
    nbformat.write(empty, path)
(folder / "out").mkdir()
execute(paths, [{}] * 3, folder=folder / "out", environment={}, timeout=60)
"""


def seconds(*command):
    """Wall time of one process."""
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def report(folder, store):
    """Wall time of one `ccanalytics report` on sample data."""
    command = [sys.executable, "-m", "ccanalytics", "report", "--source", "sample"]
    return seconds(*command, "--store", str(store), "--out", str(folder))


def main():
    """Print the first report on an empty store, then medians and their ratio."""
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        print(f"first report, empty store   {report(root / 'first', root / 'store'):6.2f} s")
        bare, full = [], []
        for number in range(ROUNDS):
            (folder := root / f"bare{number}").mkdir()
            bare.append(seconds(sys.executable, "-c", BARE, str(folder)))
            full.append(report(root / f"report{number}", root / "store"))
        print(f"three bare kernels          {statistics.median(bare):6.2f} s  {_all(bare)}")
        print(f"report, store filled        {statistics.median(full):6.2f} s  {_all(full)}")
        ratio = statistics.median(full) / statistics.median(bare)
        print(f"report / three bare kernels {ratio:6.2f}")


def _all(times):
    return ", ".join(f"{one:.2f}" for one in times)


if __name__ == "__main__":
    main()
