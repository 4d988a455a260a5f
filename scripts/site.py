"""What mkdocs.yml adds to docs: the front page, what stands beside it in the checkout, the reference. A hook of MkDocs."""

import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
BESIDE = {
    "index.md": "README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
    "security.md": "SECURITY.md",
}
PAGES = {name: page for page, name in BESIDE.items()}

COMMANDS = """# Commands

::: mkdocs-click
    :module: hdlgen.cli
    :command: hdlgen
    :prog_name: hdlgen
    :depth: 1
    :style: table
"""

# Packages with the functions that users call; each says with ``__all__`` what is public.
PUBLIC = (
    "network",
    "golden",
    "view",
    "check",
    "prune",
    "quantize",
    "importers",
    "train",
    "compiler",
    "emit",
    "flow.simulate",
    "flow.synth",
    "flow.run",
    "flow.virtual",
    "flow.load",
    "flow.patch",
    "flow.report",
    "flow.play",
    "host",
    "errors",
)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Pages that are no files of docs."""
    for page, name in BESIDE.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=re.sub(r"\]\(docs/", "](", text)))
    files.append(File.generated(config, "reference/commands.md", content=COMMANDS))
    names = "".join(f"::: hdlgen.{name}\n\n" for name in PUBLIC)
    files.append(File.generated(config, "reference/python.md", content=f"# Python\n\n{names}"))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Links to files of the checkout that are no pages become their names."""

    def link(match: re.Match[str]) -> str:
        text, target = match[1], match[2]
        path, _, anchor = target.partition("#")
        name = path.removeprefix("../")
        if name in PAGES:
            return f"[{text}]({PAGES[name]}{'#' * bool(anchor)}{anchor})"
        outside = path.startswith(("../", "hdlgen/")) or name in ("LICENSE", "examples")
        return f"{text} (`{name}`)" if outside and text.strip("`") != name else f"`{name}`" if outside else match[0]

    return re.sub(r"(?<!!)\[([^\]]+)\]\((?!https?:|#)([^)\s]+)\)", link, markdown)
