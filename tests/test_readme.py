"""What the documents say can be done: commands with verbs and options that exist, links to files that exist."""

import functools
import importlib
import pkgutil
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

import hdlgen.cli

CHECKOUT = Path(__file__).parents[1]
README = CHECKOUT / "README.md"
VERBS = CHECKOUT / "docs" / "verbs.md"
DOCUMENTS = [*sorted(CHECKOUT.glob("*.md")), *sorted((CHECKOUT / "docs").glob("*.md"))]

# Blocks of Python are run, by these tests.
SNIPPETS = {
    "extending.md": "tests/test_extending.py",
    "network-format.md": "tests/network/test_format_document.py",
    "quantize.md": "tests/quantize/test_layered.py",
    "recurrent.md": "tests/networks/test_shipped_recurrent.py",
    "run.md": "tests/link/test_virtual.py",
}


def commands(text: str) -> list[list[str]]:
    """Words of every command in the ``console`` blocks: lines after ``$``, continued by ``\\``, joined by ``&&``."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("$ "):
                lexer = shlex.shlex(line[2:], posix=True, punctuation_chars="&;|")
                lexer.whitespace_split, lexer.commenters = True, "#"
                words: list[str] = []
                for word in lexer:
                    if word in {"&&", ";", "|"}:
                        found.append(words)
                        words = []
                    else:
                        words.append(word)
                found.append(words)
    return [words for words in found if words]


def parse(arguments: list[str]) -> click.Context:
    """Parse the arguments of ``hdlgen`` as the program does, without doing anything.

    Raises
    ------
    click.UsageError or ModuleNotFoundError
        If there is no such verb, option, or choice.
    """
    verb, *rest = arguments
    command: click.Command = importlib.import_module(f"hdlgen.cli.{verb}").command
    context = command.make_context(verb, list(rest))
    if isinstance(command, click.Group):
        name, inner, rest = command.resolve_command(context, rest)
        assert inner is not None
        return inner.make_context(name, rest, parent=context)
    return context


@functools.cache
def help_of(script: str) -> str:
    return subprocess.run(
        [sys.executable, str(CHECKOUT / script), "--help"], check=True, capture_output=True, text=True
    ).stdout


COMMANDS = [words for document in DOCUMENTS for words in commands(document.read_text(encoding="utf-8"))]


def test_every_verb_is_a_function() -> None:
    """Of a fresh interpreter that has imported hdlgen and nothing else, which is fast; and each says what it does."""
    rows = re.findall(r"^\| `(\w+)` \| (.*hdlgen\..*) \|$", VERBS.read_text(encoding="utf-8"), re.MULTILINE)
    assert [verb for verb, _ in rows] == sorted(module.name for module in pkgutil.iter_modules(hdlgen.cli.__path__))
    functions = [name for _, named in rows for name in re.findall(r"`(hdlgen\.[\w.]+)`", named)]
    script = "import sys, hdlgen\nassert not {'numpy', 'amaranth', 'torch'} & set(sys.modules)\n"
    script += "".join(f"assert callable({name}) and {name}.__doc__\n" for name in functions)
    script += "assert hdlgen.Board is hdlgen.host.Board\nassert not hasattr(hdlgen, 'nonsense')\n"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_snippets() -> None:
    found = {document.name for document in DOCUMENTS if "\n```python\n" in document.read_text(encoding="utf-8")}
    assert found == set(SNIPPETS)
    for document, test in SNIPPETS.items():
        assert f'"{document}"' in (CHECKOUT / test).read_text(encoding="utf-8")


def test_the_front_page_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 120


def test_there_are_commands() -> None:
    verbs = {words[1] for words in COMMANDS if words[0].endswith("hdlgen")}
    assert {"demo", "train", "check", "evaluate", "compile", "simulate", "synth", "report"} <= verbs
    assert ["scripts/test"] in COMMANDS


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_command(words: list[str]) -> None:
    words = words[1:] if "=" in words[0] else words  # a variable of the environment
    program = words[0].rpartition("/")[2]
    if program == "hdlgen":
        parse(words[1:])
    elif program.startswith("python") and words[1].startswith("scripts/"):
        for option in (word for word in words[2:] if word.startswith("-")):
            assert re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", help_of(words[1])), option
    elif words[0].startswith(("scripts/", "./")):
        assert (CHECKOUT / words[0]).is_file()
    else:
        assert program in {"git", "cd", "python3", "pip", "pytest", "pre-commit", "dask", "fusesoc", "."}


@pytest.mark.parametrize("arguments", [["compile", "mnist", "-o", "x", "--lane", "3"], ["compose"], ["synth"], []])
def test_the_test_can_fail(arguments: list[str]) -> None:
    with pytest.raises((click.UsageError, ModuleNotFoundError, ValueError)):
        parse(arguments)


def test_commands() -> None:
    text = "a\n```console\n$ one && two \\\n    three  # four\nanswer\n```\n```\n$ not me\n```\n"
    assert commands(text) == [["one"], ["two", "three"]]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links(document: Path) -> None:
    text = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    links = re.findall(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"", text)
    for target in ("".join(link) for link in links):
        path, _, anchor = target.partition("#")
        if path.startswith(("http://", "https://")):
            continue
        assert not path or (document.parent / path).exists(), target
        if anchor:
            linked = document.parent / path if path else document
            titles = re.findall(r"^#+ (.*)$", linked.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}, target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_named_files(document: Path) -> None:
    """Files in backquotes that begin with a top-level folder exist."""
    text = document.read_text(encoding="utf-8")
    for name in re.findall(r"`((?:hdlgen|scripts|tests|boards|docs|sim)/[\w./-]+)`", text):
        assert (CHECKOUT / name).exists(), name


def test_tables() -> None:
    """Out of date? ``python scripts/measure.py`` writes them anew."""
    done = subprocess.run(
        [sys.executable, "scripts/measure.py", "--check"], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
