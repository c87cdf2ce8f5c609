"""The import rules of the design: a module imports only what comes before it, directly or not."""

import ast
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

import ccanalytics

PACKAGE = Path(ccanalytics.__file__).parent

SPINE = [
    {"errors", "weeks", "words", "atomic", "wings", "showing"},
    {"settings", "prices"},
    {"wire"},
    {"sources"},
    {"frames"},
    {"store"},
    {"people"},
    {"dataset"},
    {"metrics"},
    {"charts"},
    {"display"},
    {"report"},
    {"issue"},
    {"cli"},
]
"""What is written first: a module imports its own room or an earlier one, never a later one."""

WINGS = {
    "analyses",
    "charges",
    "check",
    "explorer",
    "export",
    "fake_api",
    "live",
    "logs",
}

LOADING = {"dataset/loading.py", "dataset/ranges.py", "dataset/published_teams.py"}
OPENS_THE_STORE = {*LOADING, "store", "issue", "cli"}
"""What may open the store, in the spine."""

FORBIDDEN = {
    "wire": {"pandas", "pyarrow", "numpy", "httpx", "altair"},
    "sources": {"altair", "pandas", "pyarrow", "ccanalytics.frames"},
    "store": {"httpx", "altair"},
    "metrics": {"altair", "httpx", "duckdb", "ccanalytics.store", "ccanalytics.dataset.loading"},
    "charts": {"httpx", "duckdb", "ccanalytics.store"},
    "report": {"ccanalytics.metrics", "ccanalytics.charts", "ccanalytics.store", "httpx"},
}
"""What the modules of a room must not reach at import, neither themselves nor through others."""

FILES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))


def tree_of(file):
    return ast.parse((PACKAGE / file).read_text(encoding="utf-8"))


def nodes(tree, late):
    """The nodes of a module; with `late` also those inside functions, never those for types."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if not late and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        yield node
        yield from nodes(node, late)


@cache
def imports(file, late=True):
    """The modules a file imports."""
    found = set()
    for node in nodes(tree_of(file), late):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports relatively"
            below = {f"{node.module}.{alias.name}" for alias in node.names}
            found.update({name for name in below if file_of(name)} or {node.module})
    return frozenset(found)


def file_of(module):
    """The file of a module of ours; None for any other."""
    if not module.startswith("ccanalytics"):
        return None
    path = "/".join(module.split(".")[1:])
    return next((one for one in (f"{path}.py", f"{path}/__init__.py") if one in FILES), None)


def reached(file, late=False):
    """Every module loaded by importing a file, with the import path to it."""
    ways, waiting = {}, [(file, (file,))]
    while waiting:
        at, way = waiting.pop()
        for module in imports(at, late and at == file):
            if module in ways:
                continue
            ways[module] = (*way, module)
            if (below := file_of(module)) and below != "__init__.py":
                waiting.append((below, (*way, module)))
    return ways


def room(name):
    """The room of a file, or of a module of ours."""
    return name.removeprefix("ccanalytics.").replace(".py", "").replace(".", "/").split("/")[0]


def floor(name):
    return next((n for n, rooms in enumerate(SPINE) if room(name) in rooms), None)


def test_every_file_has_a_room():
    """A new folder is first added to the design."""
    known = set().union(*SPINE, WINGS, {"__init__", "__main__"})
    assert {room(file) for file in FILES} - known == set()


def test_the_spine_imports_only_what_comes_before_it():
    """Sources import no store, metrics import no charts, and the spine imports no wing."""
    for file in FILES:
        if room(file) in WINGS or floor(file) is None:
            continue
        for module in imports(file):
            if module.startswith("ccanalytics."):
                assert room(module) not in WINGS, f"{file} imports the wing {module}"
                assert floor(module) is not None, f"{file} imports {module}"
                assert floor(module) <= floor(file), f"{file} imports {module}, which is later"


def test_no_unwanted_library_is_imported_indirectly():
    """HTTP code does not load pandas, metrics do not load Altair, the report loads neither."""
    for place, forbidden in FORBIDDEN.items():
        for file in (file for file in FILES if room(file) == place):
            for module, way in reached(file, late=True).items():
                parts = module.split(".")
                names = {".".join(parts[:n]) for n in range(1, len(parts) + 1)}
                assert not names & forbidden, " -> ".join(way)


def test_wire_imports_msgspec_and_errors_only():
    """The formats of the services need nothing else."""
    for file in (file for file in FILES if room(file) == "wire"):
        others = {
            name for name in imports(file) if name.split(".")[0] not in sys.stdlib_module_names
        }
        ours = {name for name in others if name.startswith("ccanalytics.wire")}
        assert others - ours <= {"msgspec", "ccanalytics.errors"}, file


def test_only_load_sync_and_connect_open_the_store():
    """Everything else works on a dataset or on its arguments."""
    for file in FILES:
        allowed = file in OPENS_THE_STORE or room(file) in OPENS_THE_STORE | WINGS
        if not allowed and floor(file) is not None:
            assert "ccanalytics.store.day_store" not in imports(file), file


def test_the_init_of_a_room_imports_nothing():
    """A folder's __init__ only describes the room."""
    for file in (file for file in FILES if file.endswith("/__init__.py")):
        if file not in ("cli/__init__.py", "charts/__init__.py", "metrics/__init__.py"):
            assert imports(file) == set(), file


def test_there_are_no_import_cycles():
    """Every module can be imported first."""
    done = set()

    def visit(file, path):
        assert file not in path, " -> ".join([*path, file])
        for module in imports(file, late=False):
            below = file_of(module)
            if below and below != "__init__.py" and below not in done:
                visit(below, (*path, file))
        done.add(file)

    for file in FILES:
        visit(file, ())


def test_no_file_is_long_and_no_function_either():
    """At most 400 lines a file, 40 a function."""
    for file in FILES:
        assert len((PACKAGE / file).read_text(encoding="utf-8").splitlines()) <= 400, file
        for node in ast.walk(tree_of(file)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = node.end_lineno - node.lineno + 1
                assert lines <= 40 + _text_lines(node), f"{file}: {node.name} has {lines} lines"


def _text_lines(node):
    """The lines of a function's docstring and parameters, which do not count as code."""
    body = node.body[0]
    text = body.end_lineno - body.lineno + 1 if ast.get_docstring(node) else 0
    return text + node.body[0].lineno - node.lineno


def test_no_two_files_or_classes_share_a_name():
    """Things with the same name would be confused."""
    stems = Counter(
        Path(file).stem for file in FILES if Path(file).stem not in ("__init__", "__main__", "wing")
    )
    assert [name for name, n in stems.items() if n > 1] == []
    classes = Counter(
        node.name for file in FILES for node in tree_of(file).body if isinstance(node, ast.ClassDef)
    )
    assert [name for name, n in classes.items() if n > 1 and not name.startswith("_")] == []


def test_every_name_of_the_surface_is_there():
    """What __all__ promises is there, and dir() shows exactly that."""
    for name in ccanalytics.__all__:
        assert getattr(ccanalytics, name) is not None
    assert dir(ccanalytics) == sorted(ccanalytics.__all__)


def test_the_package_has_a_version_and_runs_as_a_module():
    """As is usual in Python; so does the command's own folder."""
    for module in ("ccanalytics", "ccanalytics.cli"):
        command = [sys.executable, "-m", module, "--version"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert ccanalytics.__version__ in done.stdout


def test_an_unknown_name_is_an_attribute_error():
    """A typo gives the usual error of a module."""
    with pytest.raises(AttributeError, match="cost_per_comit"):
        ccanalytics.cost_per_comit  # noqa: B018


def test_no_module_hides_a_public_function():
    """No module directly below the package has the name of a public function."""
    for name in set(ccanalytics.__all__) - {"charts", "metrics"}:
        assert f"{name}.py" not in FILES
        assert f"{name}/__init__.py" not in FILES


def test_importing_the_package_imports_nothing_heavy():
    """`import ccanalytics` costs nothing until a name is used."""
    heavy = "{'pandas', 'pyarrow', 'altair', 'httpx', 'numpy', 'msgspec'}"
    code = f"import ccanalytics, sys; print(sorted({heavy} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_nothing_below_the_command_line_prints():
    """Messages are logged, returned or raised."""
    for file in FILES:
        if room(file) == "cli" or file.endswith("_command.py"):
            continue
        calls = [node.func for node in ast.walk(tree_of(file)) if isinstance(node, ast.Call)]
        printing = [one for one in calls if isinstance(one, ast.Name) and one.id == "print"]
        assert not printing, file


def test_dates_are_written_as_every_system_can():
    """`%-d` is an error on Windows; only charts, which are drawn by JavaScript, have it."""
    for file in FILES:
        forms = [
            ast.unparse(node.format_spec)
            for node in ast.walk(tree_of(file))
            if isinstance(node, ast.FormattedValue) and node.format_spec
        ]
        assert not [form for form in forms if "%-" in form], file
