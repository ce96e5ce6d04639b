"""The browser of the tests notices what a page does; else no test that uses it could fail."""

import asyncio

import pytest

pytestmark = pytest.mark.browser


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a page and gives its path."""

    def written(body):
        path = tmp_path / "page.html"
        path.write_text(f"<!doctype html><meta charset=utf-8>{body}", encoding="utf-8")
        return path

    return written


@pytest.mark.parametrize(
    ("body", "heard"),
    [
        ("<script>console.error('an error')</script>", "an error"),
        ("<script>console.warn('a warning')</script>", "a warning"),
        ("<script>throw Error('thrown')</script>", "thrown"),
        ("<script>Promise.reject(Error('left'))</script>", "left"),
        ("<script>alert('asked')</script>", "alert: asked"),
        ("<img src=nowhere.png>", "ERR_FILE_NOT_FOUND"),
        (
            "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'\">"
            "<img src=x.png>",
            "Content Security Policy",
        ),
    ],
)
def test_what_goes_wrong_on_a_page_is_heard(write, browser, body, heard):
    browser.open(write(body))

    assert any(heard in said for said in browser.complaints())


def test_a_page_that_does_nothing_is_silent_and_asks_for_itself_alone(write, browser):
    page = write("<link rel=icon href=data:,><p>quiet")
    browser.open(page)

    assert browser.complaints() == []
    assert browser.requests() == [page.as_uri()]


def test_a_request_is_seen_whether_or_not_it_is_answered(write, browser):
    browser.open(write("<script>fetch('http://nowhere.example/x').catch(() => 0)</script>"))

    assert browser.requests()[1:] == ["http://nowhere.example/x"]


def test_nothing_is_kept_from_the_page_before(write, browser):
    browser.open(write("<script>left = 1; console.error('before')</script>"))
    browser.open(write("<p>after"), width=390, dark=True)

    assert browser.evaluate("typeof left") == "undefined"
    assert browser.complaints() == []
    assert browser.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert browser.evaluate("matchMedia('(pointer: coarse)').matches")
    assert browser.page.viewport_size == {"width": 390, "height": 900}


@pytest.mark.usefixtures("_program")
def test_between_the_tests_with_a_browser_the_event_loop_is_free():
    assert asyncio.run(asyncio.sleep(0, "ran")) == "ran"
