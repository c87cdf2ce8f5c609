"""Answers that are worked out once for a dataset and its copies."""

from collections.abc import Callable, Hashable
from functools import wraps
from inspect import signature
from typing import Any, Concatenate, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

import pandas as pd

from ccanalytics.dataset.dataset import Dataset

P = ParamSpec("P")
R = TypeVar("R")

_answers: WeakKeyDictionary[Dataset, dict[Hashable, Any]] = WeakKeyDictionary()


def kept(function: Callable[Concatenate[Dataset, P], R]) -> Callable[Concatenate[Dataset, P], R]:
    """Marks a function of a dataset and hashable arguments that is asked the same many times.

    Findings, cards and charts of one report rest on the same sums. A frame comes as a copy, so
    that nobody changes the one that is kept.
    """

    parameters = signature(function)

    @wraps(function)
    def answer(data: Dataset, /, *args: P.args, **kwargs: P.kwargs) -> R:
        known = _answers.setdefault(data.original, {})
        asked = parameters.bind(data, *args, **kwargs)
        asked.apply_defaults()
        key = (function, *asked.args[1:], *asked.kwargs.items())
        if key not in known:
            known[key] = function(data.original, *args, **kwargs)
        found: R = known[key]
        return found.copy(deep=False) if isinstance(found, pd.DataFrame) else found

    return answer
