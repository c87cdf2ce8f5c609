"""What the notebooks of one report share: the dataset and its slowest results."""

from collections.abc import Mapping
from typing import Any

from ccanalytics.dataset.loading import load, share_datasets
from ccanalytics.metrics.findings import findings


def prepare(parameters: Mapping[str, Any]) -> None:
    """Read data anew from now on; with the parameters of a weekly report, its dataset at once."""
    share_datasets()
    if parameters:
        data = load(**parameters)
        if not data.spec.report:  # of one person there are none
            findings(data)
