"""The program understands the commands and recipes of the README."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml

from ccanalytics import cli

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "ccanalytics" / "docs").glob("*.md"))]
README = "\n".join(path.read_text(encoding="utf-8") for path in PAGES)
SYNOPSIS = re.compile(r"\[[A-Z]+\]|--source S\b")


def blocks(language):
    """The fenced blocks of the README in this language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def code_lines():
    """The lines of all blocks, fenced or indented; a trailing backslash continues a line."""
    fenced = "\n".join(re.findall(r"^```\w*\n(.*?)^```", README, re.DOTALL | re.MULTILINE))
    rest = re.sub(r"^```.*?^```", "", README, flags=re.DOTALL | re.MULTILINE)
    indented = "\n".join(re.findall(r"^    (.+)$", rest, re.MULTILINE))
    return f"{fenced}\n{indented}".replace("\\\n", " ").splitlines()


def commands():
    """The words after `ccanalytics` of every command line that is not a synopsis."""
    names = "|".join(cli.main.places())
    for line in code_lines():
        typed = re.search(rf"(?<![\w./`-])(?:[\w./-]+/)?ccanalytics ((?:{names})\b.*)", line)
        if typed and not SYNOPSIS.search(line):
            yield upto_operator(typed[1])
    for block in blocks("dockerfile"):
        yield json.loads(re.search(r"^CMD (.*)$", block, re.MULTILINE)[1])


def upto_operator(text):
    """The words of one command, before any shell operator."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words = []
    for word in lexer:
        if set(word) <= set("();<>|&"):
            break
        words.append(word)
    return words


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_every_command_can_be_parsed(words, monkeypatch):
    """Command, flags and values are valid; files need not exist."""
    monkeypatch.setattr(click.Path, "convert", lambda _, value, *__: value)
    context = cli.main.make_context("ccanalytics", list(words))
    command, rest = cli.main, list(words)
    while isinstance(command, click.Group):
        name, command, rest = command.resolve_command(context, rest)
        context = command.make_context(name, rest, parent=context)
        rest = list(context.args) if isinstance(command, click.Group) else rest


def test_the_readme_has_commands():
    """The test above has something to parse."""
    assert len(list(commands())) > 3


def test_the_systemd_units_are_valid(tmp_path):
    """Checked by systemd itself if it is installed; the timer starts this service."""
    units = {re.match(r"# \S*/(\S+)", block)[1]: block for block in blocks("ini")}
    assert set(units) == {"ccanalytics.service", "ccanalytics.timer"}
    program = tmp_path / "ccanalytics"
    program.symlink_to(sys.executable)
    for name, unit in units.items():
        (tmp_path / name).write_text(unit.replace("/opt/ccanalytics/bin", str(tmp_path)))
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd here")
    verify = ["systemd-analyze", "verify", *(str(tmp_path / name) for name in units)]
    done = subprocess.run(verify, capture_output=True, text=True)
    ours = [line for line in done.stderr.splitlines() if "ccanalytics" in line]
    assert (done.returncode, ours) == (0, [])


def test_the_workflow_takes_the_key_from_a_secret():
    """It parses, runs weekly, and the key is only in the environment of the step."""
    (workflow,) = (yaml.safe_load(block) for block in blocks("yaml"))
    when = workflow[True]  # YAML 1.1 reads `on` as true
    assert when["schedule"] == [{"cron": "0 6 * * 1"}]
    (job,) = workflow["jobs"].values()
    keyed = [step for step in job["steps"] if "ANTHROPIC_ADMIN_KEY" in str(step)]
    (step,) = keyed
    assert step["env"]["ANTHROPIC_ADMIN_KEY"] == "${{ secrets.ANTHROPIC_ADMIN_KEY }}"
    assert step["run"].startswith("ccanalytics report")
    assert job["steps"][-1]["with"]["path"] == "reports"


def test_the_container_runs_as_another_user_and_keeps_its_data():
    """Nothing is installed after USER, the copied files exist, and the store is on the volume."""
    (block,) = blocks("dockerfile")
    steps = [line.split(maxsplit=1) for line in block.splitlines() if re.match("[A-Z]+ ", line)]
    words = [word for word, _ in steps]
    assert words.index("USER") > max(n for n, word in enumerate(words) if word == "RUN")
    assert dict(steps)["USER"] != "root"
    assert dict(steps)["ENV"].startswith(f"CCANALYTICS_STORE={dict(steps)['VOLUME']}/")
    assert json.loads(dict(steps)["ENTRYPOINT"]) == ["ccanalytics"]
    root = Path(__file__).parents[1]
    copied = [name for word, rest in steps if word == "COPY" for name in rest.split()[:-1]]
    assert all((root / name).exists() for name in copied)


def test_the_crontab_has_five_time_fields_and_a_command():
    """Monday after a week is closed, with no character that cron reads as a line break."""
    (block,) = blocks("cron")
    line = next(line for line in block.splitlines() if line[0].isdigit())
    *when, command = line.split(maxsplit=5)
    assert when == ["0", "6", "*", "*", "1"]
    assert "%" not in command
    assert subprocess.run(["sh", "-n", "-c", command]).returncode == 0
