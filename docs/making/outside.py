"""The hook of mkdocs.yml: what docs/ links to outside of itself becomes a page of the site.

A page says `[the changelog](../CHANGELOG.md)` or `[examples/profiles](../examples/profiles)`, which
is right for whoever reads it beside the code. The site has no such files. So each that is linked is
shown there under `beside/`, as it is: Markdown as a page, a notebook with its outputs, any other
file as a listing, a folder as the listings of its files.
"""

from __future__ import annotations

import json
import os
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from docstring_marks import Marks
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

BESIDE = "beside"
ALWAYS = ("CHANGELOG.md", "CONTRIBUTING.md")
LINK = re.compile(r"(?<=\]\()(?P<path>[^)\s#]+)(?P<anchor>#[^)\s]*)?(?=\))")
ELSEWHERE = re.compile(r"^[a-z][a-z0-9+.-]*:|^/|^#")
# Links to the code host itself, as those of a badge, mean nothing on a site.
OF_THE_HOST = re.compile(r"\[!\[[^\]]*\]\([^)]*\)\]\(\.\./\.\./[^)]*\)\n?")
FENCED = re.compile(r"^( *)(```+|~~~+).*?^\1\2 *$", re.MULTILINE | re.DOTALL)
LANGUAGES = {".py": "python", ".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".json": "json"}
NOT_SHOWN = {"__pycache__", ".pytest_cache", ".ipynb_checkpoints"}
LONGEST = 100_000
"""Characters of a file that a listing shows."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Let pages that are made of docstrings show their formulas."""
    config.markdown_extensions.append(Marks())
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for all that is linked outside of docs/, and for what those pages link."""
    docs = Path(config.docs_dir)
    waiting = [
        target
        for file in files.documentation_pages()
        if file.abs_src_path
        for target in outside(Path(file.abs_src_path), docs)
    ]
    waiting += [docs.parent / name for name in ALWAYS]
    done: set[Path] = set()
    while waiting:
        target = waiting.pop()
        if target in done:
            continue
        done.add(target)
        text = shown(target, docs.parent)
        file = File.generated(config, address(target, docs.parent), content=text)
        file.beside = target  # type: ignore[attr-defined]
        files.append(file)
        if target.suffix == ".md":
            waiting += outside(target, docs)
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point the links of a page to where the site has what they mean."""
    del files
    docs = Path(config.docs_dir)
    target = getattr(page.file, "beside", None)
    if target is None:
        source = Path(page.file.abs_src_path or "")
    elif target.suffix == ".md":
        source = target
    else:
        return markdown  # a listing links to nothing
    return pointed(markdown, source, page.file.src_uri, docs)


def outside(source: Path, docs: Path) -> Iterator[Path]:
    """Yield what the page *source* links outside of *docs* and that is there."""
    for match in LINK.finditer(_prose(source.read_text(encoding="utf-8"))):
        target = _target(source, match["path"])
        if target is not None and not target.is_relative_to(docs) and target.exists():
            yield target


def pointed(markdown: str, source: Path, uri: str, docs: Path) -> str:
    """Return *markdown* of the file *source*, its links as the page *uri* of the site has them."""

    def point(match: re.Match[str]) -> str:
        target = _target(source, match["path"])
        if target is None or not target.exists():
            return match[0]  # mkdocs says what is wrong with it
        if target.is_relative_to(docs):
            there = target.relative_to(docs).as_posix()
        else:
            there = address(target, docs.parent)
        return posixpath.relpath(there, posixpath.dirname(uri) or ".") + (match["anchor"] or "")

    parts, end = [], 0
    text = OF_THE_HOST.sub("", markdown)
    for block in FENCED.finditer(text):  # what stands in a code block is no link
        parts += [LINK.sub(point, text[end : block.start()]), block[0]]
        end = block.end()
    return "".join([*parts, LINK.sub(point, text[end:])])


def address(target: Path, root: Path) -> str:
    """Return where in docs/ the page of *target* would lie.

    >>> address(Path("/kit/examples/bench.yaml"), Path("/kit"))
    'beside/examples/bench.yaml.md'
    """
    name = PurePosixPath(BESIDE, target.relative_to(root).as_posix())
    return str(name if name.suffix == ".md" else name.with_name(f"{name.name}.md"))


def shown(target: Path, root: Path) -> str:
    """Return the page of a file or folder outside of docs/."""
    name = target.relative_to(root).as_posix()
    if target.is_dir():
        files = sorted(
            path for path in target.rglob("*") if path.is_file() and _is_text(path, target)
        )
        listings = [f"## {f.relative_to(target).as_posix()}\n\n{listing(f)}" for f in files]
        return "\n".join([f"# {name}\n", *listings])
    if target.suffix == ".md":
        return target.read_text(encoding="utf-8")
    if target.suffix == ".ipynb":
        return notebook(json.loads(target.read_text(encoding="utf-8")))
    return f"# {name}\n\n{listing(target)}"


def listing(path: Path) -> str:
    """Return the text of a file as a code block that nothing in it can end."""
    text = path.read_text(encoding="utf-8")
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]}\n... {len(text) - LONGEST} more characters\n"
    return fence(text, LANGUAGES.get(path.suffix, "text"))


def fence(text: str, language: str) -> str:
    """Return *text* as a code block.

    >>> print(fence("1 + 1", "python"), end="")
    ```python
    1 + 1
    ```
    """
    ticks = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{ticks}{language}\n{text.rstrip()}\n{ticks}\n"


def notebook(content: dict[str, Any]) -> str:
    """Return the cells of a notebook, and of their outputs those that are plain text."""
    parts = []
    for cell in content["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
        elif cell["cell_type"] == "code":
            parts.append(fence(source, "python"))
            parts += [fence(text, "text") for text in _said(cell) if text.strip()]
    return "\n\n".join(parts)


def _said(cell: dict[str, Any]) -> Iterator[str]:
    for output in cell["outputs"]:
        yield "".join(output.get("text") or output.get("data", {}).get("text/plain") or "")


def _target(source: Path, link: str) -> Path | None:
    """Return the file that a link on the page *source* means, None for one to another place."""
    if ELSEWHERE.match(link) or link.startswith("../../actions"):
        return None
    return Path(os.path.normpath(source.parent / link))


def _prose(markdown: str) -> str:
    return FENCED.sub("", OF_THE_HOST.sub("", markdown))


def _is_text(path: Path, top: Path) -> bool:
    if any(part in NOT_SHOWN or part.endswith(".egg-info") for part in path.relative_to(top).parts):
        return False
    try:
        path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return False
    return True
