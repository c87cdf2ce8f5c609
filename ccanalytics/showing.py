"""Results that show themselves in a notebook, without knowing how.

The code that draws them comes later in the spine, so it is named as text and resolved when shown.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar, ParamSpec

from ccanalytics.wings import Reference, resolve

P = ParamSpec("P")

PICTURE = "image/svg+xml"
"""The form of a chart for viewers that draw no Vega-Lite."""


class ShowsItself:
    """A result that `shown_by` displays in a notebook, and that `drawn_by` turns into a chart."""

    __slots__ = ()
    shown_by: ClassVar[Reference] = ""
    drawn_by: ClassVar[Reference] = ""

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        bundle: dict[str, Any] = resolve(self.shown_by)(self)
        return bundle


class Sentence(ShowsItself, str):
    """Text that a notebook displays as a sentence, not as a Python string."""

    __slots__ = ()
    shown_by = "display.bundles:sentence_bundle"

    def __repr__(self) -> str:
        return str(self)


class Note(Sentence):
    """A note: something to watch out for."""

    __slots__ = ()
    shown_by = "display.bundles:note_bundle"
    kind: ClassVar = "info"


class WarningNote(Note):
    """A note that is a warning."""

    __slots__ = ()
    kind = "warn"


class Results(ShowsItself, tuple[Any, ...]):
    """Several results of one kind, shown together."""

    def __repr__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])


def says(kind: type[Sentence]) -> Callable[[Callable[P, str]], Callable[P, Sentence]]:
    """Marks a function whose text is shown as a sentence of this kind."""

    def mark(function: Callable[P, str]) -> Callable[P, Sentence]:
        @wraps(function)
        def marked(*args: P.args, **kwargs: P.kwargs) -> Sentence:
            return kind(function(*args, **kwargs))

        return marked

    return mark
