"""The modules a sync imports: it finishes without importing pandas."""

import json
import os
import subprocess
import sys

from log_lines_made import answer

SYNC = """
import json, sys
sys.argv[:1] = ["ccanalytics", "sync", "--source", "local"]
from ccanalytics.cli import main
try:
    main()
finally:
    print(json.dumps(sorted(sys.modules)))
"""

NOT_NEEDED = {"pandas", "papermill", "nbformat", "altair", "httpx", "pydantic", "pyarrow.dataset"}


def modules_of_a_sync(folder):
    command = [sys.executable, "-c", SYNC]
    command += ["--logs", str(folder / "logs"), "--store", str(folder / "store")]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_a_sync_loads_no_pandas_and_no_notebook(tmp_path):
    """Neither to write the first days nor to see that all are stored; then 850 modules at most."""
    logs = tmp_path / "logs" / "projects" / "p"
    logs.mkdir(parents=True)
    (logs / "s1.jsonl").write_text(json.dumps(answer(output=3)) + "\n")
    assert not modules_of_a_sync(tmp_path) & {"pandas", "papermill", "nbformat", "altair", "httpx"}
    loaded = modules_of_a_sync(tmp_path)
    assert not loaded & NOT_NEEDED
    assert len(loaded) < 850


FRAME = """
import sys
from ccanalytics.frames.arrow_tables import do_without_pandas, to_pandas
import pyarrow as pa
do_without_pandas()
table = pa.table({"project": ["a", "b"], "commits": [2, 3]})
assert "pandas" not in sys.modules
frame = to_pandas(table)
print(frame["commits"].sum(), frame["project"].dtype, pa.array(frame["project"]).type)
"""


def test_a_frame_made_where_arrow_did_without_pandas_is_the_same(tmp_path):
    """What a sync does without is there as soon as somebody asks for a frame."""
    done = subprocess.run([sys.executable, "-c", FRAME], capture_output=True, text=True, check=True)
    assert done.stdout.split()[:2] == ["5", "category"]
    assert "dictionary" in done.stdout
