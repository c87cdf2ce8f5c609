"""Model ids -> families and versions."""

import re

from ccanalytics.prices import model_name

_FAMILY = re.compile(r"(opus|sonnet|haiku)")
_VERSION = re.compile(r"(?<!\d)\d{1,2}(?!\d)")


def model_family(model: str) -> str:
    """The family and version of a model id, from any cloud or gateway.

    >>> model_family("us.anthropic.claude-sonnet-4-5-20250929-v1:0")
    'Sonnet 4.5'
    >>> model_family("claude-3-5-haiku-20241022"), model_family("house-model")
    ('Haiku 3.5', 'house-model')
    """
    name = model_name(model)
    plain = re.sub(r"-\d{8}.*", "", name)
    family = _FAMILY.search(plain)
    if family is None:
        return name
    return " ".join([family[0].title(), ".".join(_VERSION.findall(plain))]).strip()
