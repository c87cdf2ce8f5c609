"""All benchmarks, one after the other: `uv run python tests/benchmarks [NAME ...]`."""

import runpy
import sys
from pathlib import Path

FOLDER = Path(__file__).parent


def main(names):
    """Run the benchmarks of these names, or all of them."""
    known = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__main__")
    if unknown := sorted(set(names) - set(known)):
        sys.exit(f"No benchmark {', '.join(unknown)}. There are: {', '.join(known)}.")
    for name in names or known:
        print(f"\n== {name}", flush=True)
        sys.argv = [str(FOLDER / f"{name}.py")]
        runpy.run_path(sys.argv[0])["main"]()


if __name__ == "__main__":
    main(sys.argv[1:])
