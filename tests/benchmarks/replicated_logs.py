"""Session logs copied many times, each copy as other sessions: a large corpus from a small one.

    uv run python tests/benchmarks/replicated_logs.py FOLDER TARGET [--megabytes N]

FOLDER is a Claude Code configuration folder. Sessions, messages, requests, tool calls and lines get
other ids in each copy, so nothing counts as said twice that was not before.
"""

import argparse
import re
from pathlib import Path

IDS = re.compile(rb'("uuid":"|msg_|req_|toolu_)[0-9A-Za-z]{3}')


def replicate(folder, target, megabytes):
    """Write copies of all logs until there are this many megabytes; return the number of copies."""
    files = sorted(folder.rglob("*.jsonl"))
    sessions = {path.stem.encode() for path in files}
    whole = {path: path.read_bytes() for path in files}
    copies = max(1, round(megabytes * 1e6 / sum(map(len, whole.values()))))
    for number in range(copies):
        for path, data in whole.items():
            copy = target / path.relative_to(folder)
            copy = copy.with_name(renamed(path.name.encode(), sessions, number).decode())
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(renamed(data, sessions, number))
    return copies


def renamed(data, sessions, number):
    """`data` with other ids of the same length."""
    tag = f"{number:03x}".encode()
    for session in sessions:
        if session in data:
            data = data.replace(session, tag + session[3:])
    return IDS.sub(lambda match: match[1] + tag, data)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("target", nargs="?", type=Path)
    parser.add_argument("--megabytes", type=int, default=1600)
    options = parser.parse_args()
    if options.folder is None or options.target is None:
        print("Name the FOLDER to copy and the TARGET to write to.")
        return
    copies = replicate(options.folder, options.target, options.megabytes)
    print(f"{copies} copies in {options.target}")


if __name__ == "__main__":
    main()
