"""How a worker process is asked and answers: over its stdin and stdout, which no cell can touch."""

import os
import queue
import sys
import threading
from collections.abc import Iterator
from typing import BinaryIO


def worker_pipes() -> tuple[Iterator[bytes], BinaryIO]:
    """The lines of requests, and where answers go.

    From now on this process reads nothing from stdin, so that `input()` in a cell or a program it
    starts fails at once in place of taking the next request; what they write to stdout goes to
    stderr. The process ends with the one that asks, also in the middle of a cell.
    """
    asked, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def listen() -> None:
        for line in asked:
            requests.put(line)
        sys.stderr.flush()
        os._exit(0)  # nobody is left to ask: a cell that runs for ever must not outlive them

    threading.Thread(target=listen, daemon=True).start()
    return iter(requests.get, None), answers
