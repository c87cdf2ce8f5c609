"""The pages of the docs: up to date with the code, with links and examples that work."""

import re

import pytest
from doc_pages import DOCS, PAGES

import ccanalytics as cca

README = DOCS.parents[1] / "README.md"
ALL = [README, *sorted(DOCS.glob("*.md"))]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_made_from_code_is_up_to_date(name):
    """`uv run python tests/doc_pages.py` writes it again."""
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name]()


@pytest.mark.parametrize("page", ALL, ids=lambda page: page.name)
def test_links_lead_to_a_file(page):
    """Pictures too; external addresses are not checked."""
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


def test_the_readme_leads_to_every_page():
    """Directly, or through one page in between."""
    texts = [page.read_text(encoding="utf-8") for page in ALL]
    assert [page.name for page in ALL[1:] if not any(f"{page.name})" in t for t in texts)] == []


@pytest.mark.parametrize("page", ALL, ids=lambda page: page.name)
def test_commands_are_formatted_as_code(page):
    """A line that starts with a command is indented or fenced, after a blank line."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.S | re.M)
    lines = ["", *text.splitlines()]
    assert [line for line in lines if re.match(r"(uv run|ccanalytics) ", line)] == []
    code = [n for n, line in enumerate(lines) if re.match(r"    (uv run|export|pip) ", line)]
    assert [lines[n] for n in code if not re.match(r"$|    ", lines[n - 1])] == []


@pytest.mark.parametrize("page", [README, DOCS / "python.md"], ids=lambda page: page.name)
def test_the_python_runs(page, tmp_path, monkeypatch):
    """On the sample, block after block; lines that need a service are left out."""
    monkeypatch.setenv("CCANALYTICS_STORE", str(tmp_path))
    names = {"cca": cca}
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.S | re.M)
    assert blocks
    for block in blocks:
        exec("\n".join(line for line in block.splitlines() if "Client(" not in line), names)


def test_the_python_page_lists_the_whole_public_api():
    """Each public name once, and no other."""
    page = (DOCS / "python.md").read_text(encoding="utf-8")
    table = page.partition("## What is there to call?")[2].partition("\n\n`METRICS`")[0]
    names = re.findall(r"`(\w+)`", table)
    assert sorted(names) == dir(cca)
    assert len(names) <= 45
