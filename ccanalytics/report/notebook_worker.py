"""The process in which notebooks of a report run, one after the other.

It says `{"ready": true}` once it has imported everything. A request is a line of JSON,
`{"source", "target", "parameters", "reading"}`, and another reading loads the data anew; answers
are lines of JSON: `{"begun": n}` when cell n begins, then `{"done": true}`, or
`{"failed": text, "cell": n}`.
"""

import json
import sys
from pathlib import Path
from typing import Any

from ccanalytics.report.worker_pipes import worker_pipes
from ccanalytics.wings import resolve

PREPARED_BY = "dataset.loading:share_datasets"
"""What makes the notebooks of a worker share what they load; a report knows no datasets."""


def main() -> None:
    """Answer requests, as long as there is somebody to ask."""
    requests, answers = worker_pipes()
    # jsonschema builds 35 parsers nobody needs when it finds this grammar: a second each time.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    from ccanalytics.report.notebook_shell import CellError, run_notebook

    prepare, reading = resolve(PREPARED_BY), None

    def answer(**said: Any) -> None:
        answers.write(json.dumps(said).encode() + b"\n")
        answers.flush()

    answer(ready=True)
    for line in requests:
        asked = json.loads(line)
        if asked["reading"] != reading:
            reading = asked["reading"]
            prepare()
        try:
            run_notebook(
                Path(asked["source"]),
                asked["parameters"],
                target=Path(asked["target"]),
                begin=lambda index: answer(begun=index),
            )
        except CellError as error:
            answer(failed=str(error), cell=error.index)
        except Exception as error:  # whatever it is, the next notebook may go well
            answer(failed=f"{type(error).__name__}: {error}")
        else:
            answer(done=True)


if __name__ == "__main__":
    main()
