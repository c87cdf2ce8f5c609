"""Results that are computed once for a dataset and its copies."""

from collections.abc import Callable, Hashable
from functools import wraps
from inspect import signature
from typing import Any, Concatenate, ParamSpec, TypeVar

import pandas as pd

from ccanalytics.dataset.dataset import Dataset

P = ParamSpec("P")
R = TypeVar("R")


def kept(function: Callable[Concatenate[Dataset, P], R]) -> Callable[Concatenate[Dataset, P], R]:
    """Caches a function of a dataset and hashable arguments.

    Findings, cards and charts of one report use the same sums. Frames are returned as copies, so
    that the cached one cannot be changed.
    """

    parameters = signature(function)

    @wraps(function)
    def answer(data: Dataset, /, *args: P.args, **kwargs: P.kwargs) -> R:
        known: dict[Hashable, Any] = vars(data.original).setdefault("_answers", {})
        asked = parameters.bind(data, *args, **kwargs)
        asked.apply_defaults()
        key = (function, *asked.args[1:], *asked.kwargs.items())
        if key not in known:
            known[key] = function(data.original, *args, **kwargs)
        found: R = known[key]
        return found.copy(deep=False) if isinstance(found, pd.DataFrame) else found

    return answer
