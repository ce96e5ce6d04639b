"""What stands on a card is checked, and every shipped card is whole."""

from pathlib import Path

import pytest

from sensorkit import datasets
from sensorkit.datasets.cards import Card
from sensorkit.errors import DataError

from .conftest import CARD, lines_of

NAMES = [
    "asnx", "cmapss", "debruijn", "gecco", "nab", "skab", "smap_msl", "suthaharan", "tsb_ad", "ucr",
]  # fmt: skip


def test_every_set_has_a_card_and_a_loader():
    loaders = Path(datasets.__file__).parent.glob("load_*.py")
    assert datasets.names() == NAMES == sorted(p.stem.removeprefix("load_") for p in loaders)


@pytest.mark.parametrize("name", NAMES)
def test_a_card_says_what_has_to_be_known_before_use(name):
    card = datasets.card(name)
    assert card.name == name
    assert card.licence
    assert card.terms
    assert card.protocol
    assert card.flaws
    assert card.homepage.startswith("https://")
    assert card.citation.startswith("@")
    assert card.citation.count("{") == card.citation.count("}")


@pytest.mark.parametrize("name", NAMES)
def test_what_cannot_be_fetched_is_said_where_to_get(name):
    card = datasets.card(name)
    assert card.files or card.elsewhere


@pytest.mark.parametrize("name", NAMES)
def test_an_address_is_pinned_to_a_commit(name):
    for file in datasets.card(name).files:
        host, *rest = file.url.removeprefix("https://").split("/")
        assert host == "raw.githubusercontent.com"
        assert len(rest[2]) == 40
        assert int(rest[2], 16)


@pytest.mark.parametrize("name", NAMES)
def test_no_two_files_of_a_card_are_the_same(name):
    files = datasets.card(name).files
    assert len({file.path for file in files}) == len({file.url for file in files}) == len(files)


@pytest.mark.data
@pytest.mark.parametrize("name", [name for name in NAMES if datasets.card(name).files])
def test_the_hashes_on_a_card_are_those_of_the_files(sensorkit_data, name):
    card = datasets.card(name)
    assert datasets.verify(name, sensorkit_data / card.directory) == len(card.files)


@pytest.mark.parametrize("name", NAMES)
def test_the_page_has_the_licence_the_size_and_the_folder_of_the_card(name):
    page = Path(__file__).parents[2] / "docs" / "public-data.md"
    card, text = datasets.card(name), page.read_text(encoding="utf-8")
    (row,) = (line for line in text.splitlines() if line.startswith(f"| `{name}` |"))
    size = f"{card.total_bytes / 1e6:.1f} MB" if card.files else "by hand"
    assert row.endswith(f"| {card.licence} | {size} |")
    assert f"`{card.directory}`" in text


def written(tmp_path, text):
    path = tmp_path / "card.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("0" * 63 + " 1 a", r"files: line 1 is '0+ 1 a'; a line is: sha256, bytes, path"),
        ("0" * 64 + " many a", "a line is: sha256"),
        ("0" * 64 + " 1 a b c", "a line is: sha256"),
        ("0" * 64 + " 1 ../a", r"line 1: \.\./a leads out of the folder"),
        ("0" * 64 + " 1 /etc/passwd", "leads out of the folder"),
        ("0" * 64 + " 1 C:/a", "leads out of the folder"),
        ("0" * 64 + " 1 a\\b", "leads out of the folder"),
    ],
)
def test_a_line_of_files_that_makes_no_sense_is_named(tmp_path, line, why):
    with pytest.raises(DataError, match=rf"card\.yaml:\d+: .*{why}"):
        Card.load(written(tmp_path, CARD.format(lines=f"      {line}")))


def test_an_address_that_is_not_https_is_refused(tmp_path):
    text = CARD.format(lines=lines_of({"a": b""})).replace("https://example.org/data", "http://x")
    with pytest.raises(DataError, match="base: is no https:// address"):
        Card.load(written(tmp_path, text))


@pytest.mark.parametrize(
    ("had", "instead", "why"),
    [
        ("directory: toy_files", "directory: ../toy", "directory: .*match pattern"),
        ("directory: toy_files", "directory: a/b", "directory: .*match pattern"),
        ("directory: toy_files", "directory: ''", "directory: .*match pattern"),
        ("https://example.org/toy", "http://example.org/toy", "homepage: .*match pattern"),
        ("https://example.org/toy", "https://", "homepage: .*match pattern"),
    ],
)
def test_a_folder_or_a_homepage_that_is_none_is_refused(tmp_path, had, instead, why):
    text = CARD.format(lines=lines_of({"a": b""}))
    assert had in text
    with pytest.raises(DataError, match=rf"card\.yaml:\d+: {why}"):
        Card.load(written(tmp_path, text.replace(had, instead)))


@pytest.mark.parametrize("other", ["a.csv", "A.csv"])
def test_a_path_that_stands_twice_is_refused(tmp_path, other):
    more = f"  - base: https://example.org/more\n    files: {'0' * 64} 1 {other}\n"
    text = CARD.format(lines=lines_of({"a.csv": b""})) + more
    with pytest.raises(DataError, match=rf"sources\.1\.files: {other} is there twice"):
        Card.load(written(tmp_path, text))


def test_the_citation_of_gecco_is_that_of_its_doi():
    citation = datasets.card("gecco").citation
    assert "10.5281/zenodo.3884398" in citation
    assert "author = {Moritz, Steffen and" in citation
    assert "{GECCO} Industrial Challenge 2018 Dataset: A water quality dataset" in citation


def test_no_doi_is_given_that_could_not_be_confirmed():
    assert "doi" not in datasets.card("suthaharan").citation


def test_files_that_are_a_list_are_told_how_they_are_written(tmp_path):
    text = CARD.partition("    files:")[0] + "    files: [a, b]\n"
    with pytest.raises(DataError, match="files: holds no text; a line is: sha256, bytes, path"):
        Card.load(written(tmp_path, text))


def test_the_path_at_the_source_may_be_another_one(tmp_path):
    lines = "      " + "0" * 64 + " 1 a.csv dir/b=1.csv"
    (file,) = Card.load(written(tmp_path, CARD.format(lines=lines))).files
    assert (file.path, file.url) == ("a.csv", "https://example.org/data/dir/b%3D1.csv")


def test_an_unknown_name_comes_with_the_nearest():
    with pytest.raises(DataError, match=r"unknown data set 'skap'; .*did you mean 'skab'"):
        datasets.card("skap")


def test_a_card_is_no_path():
    with pytest.raises(DataError, match="unknown data set"):
        datasets.card("../cards/nab.yaml")
