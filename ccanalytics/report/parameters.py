"""The parameters of notebooks, checked before they run.

papermill only warns about an unknown parameter and then uses the default: a typing
mistake would make a confidently wrong report.
"""

import ast
import difflib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from ccanalytics.errors import ParameterError, ReportError


def parameters_of(notebook: Path) -> dict[str, Any]:
    """The defaults of a notebook's parameters by name, in order; `...` where only running it tells.

    Read without papermill, whose import takes longer than this.
    """
    cells = tagged_cells(read_notebook(notebook), "parameters")
    try:
        found = assignments(cells[0].source if cells else "")
    except SyntaxError as error:
        raise ReportError(f"The parameters of {notebook} are not Python: {error}.") from error
    defaults: dict[str, Any] = dict.fromkeys(found, ...)
    for name, value in found.items():
        with suppress(ValueError):
            defaults[name] = ast.literal_eval(value)
    return defaults


def tagged_cells(notebook: NotebookNode, tag: str) -> list[NotebookNode]:
    """The cells with this tag."""
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", ())]


def assignments(source: str) -> dict[str, ast.expr]:
    """What is assigned to each name."""
    found = {}
    for line in ast.parse(source).body:
        if isinstance(line, ast.Assign | ast.AnnAssign) and line.value:
            target = line.targets[0] if isinstance(line, ast.Assign) else line.target
            if isinstance(target, ast.Name):
                found[target.id] = line.value
    return found


def read_notebook(path: Path) -> NotebookNode:
    """The notebook at `path`, in format 4."""
    try:
        return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    except Exception as error:  # nbformat raises whatever it meets
        raise ReportError(f"{path} is not a readable notebook: {error}") from error


def checked_parameters(
    notebooks: Sequence[Path], common: Mapping[str, Any], extra: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The parameters of each notebook, in the types of its defaults.

    Every notebook must have all of `common`, and at least one must have each of `extra`.
    """
    known = [parameters_of(notebook) for notebook in notebooks]
    for notebook, parameters in zip(notebooks, known, strict=True):
        for name in common:
            if name not in parameters:
                raise ReportError(f"{notebook.name} has no {_unknown(name, parameters)}")
    everything = dict.fromkeys(name for parameters in known for name in parameters)
    for name in extra:
        if name not in everything:
            raise ParameterError(f"No notebook of this report has a {_unknown(name, everything)}")
    given = {**common, **extra}
    return [
        {name: typed(name, own[name], value) for name, value in given.items() if name in own}
        for own in known
    ]


def typed(name: str, default: Any, value: Any) -> Any:
    """`value` in the type of a parameter's default; text is read as that type."""
    if default is None or default is Ellipsis:
        return value
    if isinstance(value, str) and not isinstance(default, str):
        with suppress(ValueError, SyntaxError):
            value = ast.literal_eval(value.capitalize() if value in {"true", "false"} else value)
    if isinstance(default, float) and type(value) is int:
        return float(value)
    if type(value) is not type(default):
        raise ParameterError(
            f"{name} = {value!r} is not {type(default).__name__!r}, which this parameter is; its "
            f"default is {default!r}."
        )
    return value


def _unknown(name: str, known: Iterable[str]) -> str:
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    return f"parameter {name!r}{hint} Known: {', '.join(names) or 'none'}."
