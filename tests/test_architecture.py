"""The arrows of the design: a module imports only what stands before it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import ccanalytics

PACKAGE = Path(ccanalytics.__file__).parent

FORBIDDEN = {
    "sources/admin_api.py": {"pandas", "pyarrow", "numpy"},
    "sources": {"altair", "pandas", "ccanalytics.store.day_store", "ccanalytics.dataset.dataset"},
    "store.py": {"httpx", "pandas", "altair"},
    "day_files.py": {"httpx", "pandas", "altair"},
    "syncing.py": {"httpx", "pandas", "altair"},
    "metrics": {"altair", "httpx", "pyarrow", "ccanalytics.store.day_store", "ccanalytics.sources"},
    "charts": {"httpx", "pyarrow", "ccanalytics.store.day_store", "ccanalytics.sources"},
    "report": {"ccanalytics.metrics", "ccanalytics.charts", "ccanalytics.store.day_store"},
}
"""What a file or folder must not import, wherever in it."""

ALLOWED = {}

FILES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))


def imports(file):
    """The modules a file imports, at its top or inside a function, not those only for types."""
    tree = ast.parse((PACKAGE / file).read_text(encoding="utf-8"))
    found = set()
    for node in _nodes(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports relatively"
            found.add(node.module)
            if node.module == "ccanalytics":
                found.update(f"ccanalytics.{alias.name}" for alias in node.names)
    return found


def _nodes(tree):
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        yield node
        yield from _nodes(node)


def layer(module):
    """The place of `ccanalytics.x...` in the order."""
    name = module.split(".")[1]
    return next((n for n, names in enumerate(LAYERS) if name in names), None)


def module_of(file):
    return "ccanalytics." + file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@pytest.mark.parametrize("file", [file for file in FILES if file != "__init__.py"])
def test_a_module_imports_only_what_stands_before_it(file):
    """Sources know no store, metrics no chart, the dataset no report."""
    own = layer(module_of(file))
    assert own is not None, f"{file} has no place in LAYERS"
    ours = {name for name in imports(file) if name.startswith("ccanalytics.")}
    late = {name for name in ours if layer(name) is None or layer(name) > own}
    assert late == set()


@pytest.mark.parametrize("place", FORBIDDEN)
def test_no_library_is_used_where_it_does_not_belong(place):
    """HTTP knows no pandas, metrics know no Altair, the store knows neither."""
    files = [file for file in FILES if file == place or file.startswith(f"{place}/")]
    assert files, f"there is no {place}"
    for file in files:
        for name in imports(file):
            roots = {name, name.split(".")[0], ".".join(name.split(".")[:2])}
            found = roots & FORBIDDEN[place] if (file, name) not in ALLOWED else set()
            assert not found, f"{file} imports {found}"


def test_there_are_no_import_cycles():
    """Every module can be imported first, in a process of its own order."""
    graph = {module_of(file): imports(file) for file in FILES}

    def visit(module, path):
        assert module not in path, " -> ".join([*path, module])
        for name in graph.get(module, ()):
            if name in graph and name != "ccanalytics" and name not in done:
                visit(name, (*path, module))
        done.add(module)

    done = set()
    for module in graph:
        if module != "ccanalytics":
            visit(module, ())


def test_every_name_of_the_surface_is_there():
    """What __all__ promises can be had, and dir() shows exactly that."""
    for name in ccanalytics.__all__:
        assert getattr(ccanalytics, name) is not None
    assert dir(ccanalytics) == sorted(ccanalytics.__all__)


def test_a_name_that_is_not_there_is_an_attribute_error():
    """A typing error reads as in any other module."""
    with pytest.raises(AttributeError, match="cost_per_comit"):
        ccanalytics.cost_per_comit  # noqa: B018


def test_sync_stays_a_function_after_everything_was_imported():
    """No module is named like a function of the surface, which would hide it."""
    for name in set(ccanalytics.__all__) - {"charts", "metrics"}:
        assert f"{name}.py" not in FILES
        assert f"{name}/__init__.py" not in FILES


def test_importing_the_package_imports_nothing_heavy():
    """`import ccanalytics` costs nothing until a name is used."""
    heavy = "{'pandas', 'pyarrow', 'altair', 'httpx', 'numpy', 'msgspec'}"
    code = f"import ccanalytics, sys; print(sorted({heavy} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("file", FILES)
def test_nothing_below_the_command_line_prints(file):
    """What is to be said is logged, returned or raised."""
    if file.startswith("cli/"):
        return
    tree = ast.parse((PACKAGE / file).read_text(encoding="utf-8"))
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert not [call for call in calls if isinstance(call, ast.Name) and call.id == "print"]
