"""The site that `make docs` builds: every page is in it, links lead somewhere, it loads nothing."""

import inspect
import os
import posixpath
import re
import subprocess
import sys
import zlib
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
sys.path[:0] = [str(DOCS / "making"), str(Path(__file__).parent)]
import outside  # noqa: E402 - the hook of mkdocs.yml
from public_names import public  # noqa: E402

RECORDS = re.compile(r"decisions/\d")
LOADS = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}
PHONE, DESK = 390, 1200


class Settings(yaml.SafeLoader):
    """YAML of mkdocs.yml, whose tags name functions of Python."""


Settings.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)


def nav_pages(nav: object) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    entries = nav.values() if isinstance(nav, dict) else nav
    return [page for entry in entries for page in nav_pages(entry)]


@pytest.fixture(scope="session")
def nav() -> list[str]:
    settings = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), Settings)
    return nav_pages(settings["nav"])


def build(config: Path, into: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", config, "-d", into],
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("docs") / "site"
    done = build(ROOT / "mkdocs.yml", folder)
    assert done.returncode == 0, done.stderr
    return folder


class Page(HTMLParser):
    """What a page of the site loads, links to, and may be linked by."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.loads, self.links, self.anchors = [], [], set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.anchors |= {values[key] for key in ("id", "name") if values.get(key)}
        if LOADS.get(tag) in values:
            self.loads.append(values[LOADS[tag]])
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])


@pytest.fixture(scope="session")
def pages(site) -> dict[str, Page]:
    # What 404.html links begins at the root of a server.
    return {
        path.relative_to(site).as_posix(): Page(path.read_text(encoding="utf-8"))
        for path in site.rglob("*.html")
        if path.name != "404.html"
    }


def dead(pages: dict[str, Page], site: Path) -> list[str]:
    """Return the links of a site that lead nowhere."""
    found = []
    for name, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            path = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(parts.path)))
            target = name if not parts.path else path
            anchor = unquote(parts.fragment)
            there = (site / target).is_file()
            if not there or (anchor and target in pages and anchor not in pages[target].anchors):
                found.append(f"{name}: {link}")
    return found


def test_every_page_is_in_the_navigation(nav):
    pages = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    assert {page for page in pages - set(nav) if not RECORDS.match(page)} == set()


def test_the_navigation_names_only_pages_that_are_there_and_each_once(nav):
    assert sorted(set(nav)) == sorted(nav)
    beside = {f"beside/{name}" for name in outside.ALWAYS}
    assert [page for page in nav if not (DOCS / page).is_file() and page not in beside] == []


def test_a_dead_link_and_a_page_outside_the_navigation_fail_the_build(tmp_path):
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "index.md").write_text("# Here\n\n[nowhere](nowhere.md)\n")
    (docs / "forgotten.md").write_text("# Forgotten\n")
    config = tmp_path / "mkdocs.yml"
    config.write_text(
        f"INHERIT: {ROOT / 'mkdocs.yml'}\ndocs_dir: docs\nhooks: []\nplugins: []\n"
        "nav: [index.md]\nextra_css: []\nextra: {polyfills: []}\n"
    )
    done = build(config, tmp_path / "site")
    assert done.returncode == 1
    assert "nowhere.md" in done.stderr
    assert "forgotten.md" in done.stderr


def test_every_link_of_the_site_leads_somewhere(pages, site):
    assert len(pages) > 50
    assert dead(pages, site) == []


def test_the_search_for_dead_links_finds_one(pages, site):
    broken = {
        **pages,
        "broken.html": Page('<a href="gone.html">x</a><a href="cli.html#gone">y</a>'),
    }
    assert dead(broken, site) == ["broken.html: gone.html", "broken.html: cli.html#gone"]


def test_nothing_is_loaded_from_another_place(pages):
    loads = {(name, load) for name, page in pages.items() for load in page.loads}
    assert len(loads) > len(pages)
    assert [(n, load) for n, load in loads if urlsplit(load).scheme or load.startswith("//")] == []


def test_what_is_loaded_is_there(pages, site):
    for name, page in pages.items():
        for load in page.loads:
            assert (site / name).parent.joinpath(unquote(urlsplit(load).path)).is_file(), load


def test_what_lies_beside_the_docs_has_a_page(pages, site):
    assert "beside/CHANGELOG.html" in pages
    assert "beside/examples/profiles.html" in pages["attach-a-device.html"].links
    listing = (site / "beside/examples/profiles.html").read_text(encoding="utf-8")
    for path in (ROOT / "examples" / "profiles").glob("*.yaml"):
        assert f">{path.name}<" in listing


def test_links_are_pointed_as_the_site_needs_them(tmp_path):
    docs = tmp_path / "docs"
    (docs / "how-to").mkdir(parents=True)
    for name in ("docs/how-to/a.md", "docs/b.md", "CHANGES.md", "bench.yaml"):
        (tmp_path / name).write_text("[b](docs/b.md)" if name == "CHANGES.md" else "")
    text = "[b](../b.md#top) [c](../../CHANGES.md) [y](../../bench.yaml) [w](https://a.b)\n"
    fenced = "```text\n[c](../../CHANGES.md)\n```\n"
    assert outside.pointed(text + fenced, docs / "how-to/a.md", "how-to/a.md", docs) == (
        "[b](../b.md#top) [c](../beside/CHANGES.md) [y](../beside/bench.yaml.md) [w](https://a.b)\n"
        + fenced
    )
    changes = tmp_path / "CHANGES.md"
    assert outside.pointed("[b](docs/b.md)", changes, "beside/CHANGES.md", docs) == "[b](../b.md)"


def test_a_listing_cannot_be_ended_by_what_it_shows(tmp_path):
    path = tmp_path / "page.txt"
    path.write_text("```\n<script>alert(1)</script>\n````\n")
    assert outside.listing(path) == f"`````text\n{path.read_text()}`````\n"


def test_a_notebook_is_shown_with_its_text_outputs():
    page = outside.notebook(
        {
            "cells": [
                {"cell_type": "markdown", "source": ["# Title"]},
                {
                    "cell_type": "code",
                    "source": ["1 + 1"],
                    "outputs": [{"data": {"text/plain": ["2"], "text/html": ["<b>2</b>"]}}],
                },
            ]
        }
    )
    assert page == "# Title\n\n```python\n1 + 1\n```\n\n\n```text\n2\n```\n"


def test_every_public_name_can_be_linked_to(site):
    with (site / "objects.inv").open("rb") as file:
        for _ in range(4):
            file.readline()
        inventory = zlib.decompress(file.read()).decode("utf-8")
    names = {line.split()[0] for line in inventory.splitlines()}
    things = [(n, t) for n, t in public() if inspect.isclass(t) or inspect.isfunction(t)]
    # Where a module has the name of its function, as `evaluate.benchmark`, the function is shown
    # under its full one.
    assert [n for n, t in things if not {n, f"{t.__module__}.{t.__qualname__}"} & names] == []


@pytest.mark.browser
@pytest.mark.parametrize(
    "page", ["index", "cli", "reference/each-detector", "architecture", "gallery"]
)
@pytest.mark.parametrize(("width", "dark"), [(DESK, False), (PHONE, True)])
def test_a_page_opens_from_the_disk_and_asks_for_nothing(site, browser, page, width, dark):
    browser.open(site / f"{page}.html", width=width, dark=dark)
    assert browser.complaints() == []
    assert [url for url in browser.requests() if not url.startswith("file:")] == []
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    scheme = browser.evaluate("document.body.dataset.mdColorScheme")
    assert scheme == ("slate" if dark else "default")


@pytest.mark.browser
def test_search_works_from_the_disk(site, browser):
    browser.open(site / "reference" / "index.html", width=DESK)
    browser.page.click(".md-search__input")
    browser.page.keyboard.type("calibrate")
    browser.page.wait_for_selector(".md-search-result__item")
    assert "matching documents" in browser.page.inner_text(".md-search-result__meta")
    browser.page.click(".md-search-result__item a")
    browser.page.wait_for_load_state()
    assert "calibrate" in browser.page.inner_text("main").lower()
    assert browser.complaints() == []


@pytest.mark.browser
def test_the_reader_can_switch_to_dark(site, browser):
    browser.open(site / "index.html", width=DESK)
    for scheme in ("default", "slate"):
        browser.page.click("form[data-md-component=palette] label:not([hidden])")
        assert browser.evaluate("document.body.dataset.mdColorScheme") == scheme


@pytest.mark.browser
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_text_can_be_read_against_what_is_behind_it(site, browser, dark):
    from axe_playwright_python.sync_playwright import Axe

    browser.open(site / "cli.html", width=DESK, dark=dark)
    results = Axe().run(browser.page, options={"runOnly": ["color-contrast", "image-alt"]})
    assert [violation["id"] for violation in results.response["violations"]] == []
