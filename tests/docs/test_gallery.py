"""docs/gallery.md: every picture that the script makes is shown, said in words, and small."""

import io
import re
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
sys.path.insert(0, str(DOCS / "making"))
import gallery  # noqa: E402 - what makes the pictures
import pictures  # noqa: E402

PAGE = (DOCS / "gallery.md").read_text(encoding="utf-8")
SHOWN = dict(re.findall(r"!\[([^\]]*)\]\(images/([\w-]+)\.png\)", PAGE))
WORDS = {name: alt for alt, name in SHOWN.items()}
ALL_TOGETHER = 1_500_000
"""Bytes; a clone should not grow by more for its pictures."""


def test_the_page_shows_what_the_script_makes():
    made = [picture.name for picture in pictures.PICTURES]
    assert len(set(made)) == len(made)
    assert set(WORDS) == set(made)


@pytest.mark.parametrize("picture", pictures.PICTURES, ids=lambda picture: picture.name)
def test_a_picture_is_there_as_it_was_asked_for(picture):
    with Image.open(DOCS / "images" / f"{picture.name}.png") as image:
        assert image.format == "PNG"
        scale = 2 if picture.width < 600 else 1
        assert 250 * scale <= image.width <= picture.width * scale
        assert 80 * scale <= image.height <= picture.height * scale
        # A page that did not open is of one colour.
        assert len(image.convert("RGB").resize((60, 40)).getcolors(2400) or range(99)) > 20


@pytest.mark.parametrize("name", WORDS)
def test_a_picture_is_said_in_words(name):
    assert len(WORDS[name].split()) >= 8, WORDS[name]


def test_all_pictures_together_are_small():
    sizes = {path.name: path.stat().st_size for path in (DOCS / "images").iterdir()}
    assert sum(sizes.values()) < ALL_TOGETHER, sizes


def test_no_picture_lies_there_that_no_page_shows():
    pages = [ROOT / "README.md", *DOCS.rglob("*.md")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in pages)
    there = [p.relative_to(DOCS).as_posix() for p in (DOCS / "images").rglob("*.*")]
    assert [name for name in there if name not in text] == []


def test_a_picture_is_kept_with_a_palette_and_looks_the_same(tmp_path):
    image = Image.new("RGB", (400, 200), "white")
    draw = ImageDraw.Draw(image)
    for n in range(200):
        draw.line([(2 * n, 0), (2 * n, 200)], fill=(n, 120, 255 - n))
    png = io.BytesIO()
    image.save(png, "PNG")
    pictures.keep(png.getvalue(), tmp_path / "kept.png")
    with Image.open(tmp_path / "kept.png") as kept:
        assert kept.mode == "P"
        pairs = zip(kept.convert("RGB").tobytes(), image.tobytes(), strict=True)
        assert max(abs(one - other) for one, other in pairs) < 12


def test_the_notebooks_of_the_pictures_are_python():
    assert set(gallery.NOTEBOOKS) == {picture.page for picture in pictures.LAB}
    for cells in gallery.NOTEBOOKS.values():
        for cell in cells:
            compile(cell, "cell", "exec")


def test_a_picture_that_there_is_not_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "argv", ["gallery.py", "--only", "verdikt", "--out", str(tmp_path)])
    with pytest.raises(SystemExit, match="verdikt: no such picture"):
        gallery.main()
