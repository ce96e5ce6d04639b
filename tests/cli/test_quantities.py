import pytest

from sensorkit.cli.quantities import duration, fsync_interval, size, size_or_time
from sensorkit.errors import UsageError


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [
        ("1", 1),
        ("500kB", 500_000),
        ("500KB", 500_000),
        ("100MB", 100_000_000),
        ("2 GB", 2_000_000_000),
        ("1.5MiB", 1_572_864),
        (".5kB", 500),
    ],
)
def test_a_size_is_read_as_people_write_it(text, bytes_):
    assert size(text, "--max-size") == bytes_


@pytest.mark.parametrize(
    "text", ["", "0", "0MB", "-1", "big", "10 parsecs", "1e6", "MB", "1h", "nan"]
)
def test_what_is_no_size_is_said_with_one_that_is(text):
    with pytest.raises(UsageError, match="a size above 0 is wanted, such as 500kB") as error:
        size(text, "--max-size")
    assert str(error.value).startswith(f"--max-size {text}:")


@pytest.mark.parametrize(
    ("text", "rotate"),
    [
        ("100MB", (100_000_000, None)),
        ("30s", (None, 30.0)),
        ("30min", (None, 1800.0)),
        ("1h", (None, 3600.0)),
        ("1.5 d", (None, 129_600.0)),
    ],
)
def test_files_change_at_a_size_or_an_age(text, rotate):
    assert size_or_time(text, "--rotate") == rotate


@pytest.mark.parametrize("text", ["", "0h", "0MB", "100", "1 week", "hour", "-1h", "1h30min"])
def test_what_is_neither_is_said_with_both(text):
    """A bare number could be either, so it is asked about."""
    with pytest.raises(UsageError, match="a size or a time above 0 is wanted, such as 100MB"):
        size_or_time(text, "--rotate")


@pytest.mark.parametrize(("text", "seconds"), [("always", 0.0), ("never", None), ("0.5", 0.5)])
def test_the_disk_is_told_to_keep_things_as_often_as_asked(text, seconds):
    assert fsync_interval(text) == seconds


@pytest.mark.parametrize("text", ["0", "-1", "often", "inf", "nan", "1e300"])
def test_an_interval_that_is_none_is_refused(text):
    with pytest.raises(UsageError, match=f"--fsync {text}: always, never, or a number"):
        fsync_interval(text)


@pytest.mark.parametrize("text", ["9" * 400, "1" + "0" * 400 + "GB", "9999999TB"])
def test_a_size_beyond_every_disk_is_too_much(text):
    with pytest.raises(UsageError, match="is too much; at most 1000000TB are possible"):
        size(text, "--max-size")


@pytest.mark.parametrize("text", ["20000d", "9" * 400 + "s"])
def test_an_age_that_nobody_sees_is_too_long(text):
    with pytest.raises(UsageError, match="is too long; at most 11574d are possible"):
        size_or_time(text, "--rotate")


@pytest.mark.parametrize("seconds", [float("inf"), float("nan"), 1e300, -1.0])
def test_a_run_cannot_last_for_ever(seconds):
    with pytest.raises(UsageError, match=r"--duration \S+: from 0 to 1e9 seconds are possible"):
        duration(seconds, "--duration")
