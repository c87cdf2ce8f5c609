"""What the notebooks of one report share: the dataset and its slowest results."""

import ctypes
import gc
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pyarrow as pa

from ccanalytics.dataset.loading import load, share_datasets
from ccanalytics.metrics.findings import findings


def prepare(parameters: Mapping[str, Any]) -> None:
    """Read data anew from now on; with the parameters of a weekly report, its dataset at once."""
    share_datasets()
    if parameters:
        data = load(**parameters)
        if not data.spec.report:  # of one person there are none
            findings(data)
    release_memory()


def release_memory() -> None:
    """Give the memory of frames that are gone back to the system, before other processes start.

    Of ten thousand people that is a quarter of a gigabyte in each process.
    """
    gc.collect()  # frames are held in cycles
    pa.default_memory_pool().release_unused()
    with suppress(AttributeError, TypeError):  # only glibc keeps so much, and has this
        ctypes.CDLL(None).malloc_trim(0)
