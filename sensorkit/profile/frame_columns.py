"""The `frame` sections of devices that send values in a fixed order: csv and whitespace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StrictBool, model_validator

from sensorkit.checked_yaml import Misplaced, Section
from sensorkit.nearest import unknown
from sensorkit.profile.frame_base import LineSection, Place, Text, refuse_inside, refuse_sign

SPECIAL_COLUMNS = ("@device", "@status", "@sequence", "@uptime", "@skip")


class CsvFrame(LineSection):
    """`23.97,969.18,50.58`: values in a fixed order."""

    format: Literal["csv"]
    delimiter: Text = ","
    columns: Annotated[tuple[str, ...], Field(min_length=1)]
    """Channel names, or `@device`, `@status`, `@sequence`, `@uptime`, `@skip`."""
    comment: Text | None = None
    """A line that starts with this is a header, not a frame."""
    missing: tuple[str, ...] = ("",)
    """Texts that stand for a missing value."""

    @model_validator(mode="after")
    def _columns_can_be_told(self) -> Self:
        refuse_sign("delimiter", self.delimiter, self.checksum)
        _check_columns(self.columns)
        return self

    @property
    def names_device(self) -> bool:
        """See `FrameSection.names_device`."""
        return "@device" in self.columns

    @property
    def field_end(self) -> str:
        """See `FrameSection.field_end`."""
        return self.delimiter

    def channels_named(self) -> Iterator[tuple[Place, str]]:
        """See `FrameSection.channels_named`."""
        for i, column in enumerate(self.columns):
            if not column.startswith("@"):
                yield ("columns", i), column

    def check(self, keys: Sequence[str], words: Sequence[str]) -> None:  # noqa: ARG002
        """See `FrameSection.check`."""
        refuse_inside(words, self.delimiter)


Factor = Annotated[float, Field(ge=-1e12, le=1e12, allow_inf_nan=False)]


class Column(Section):
    """A column of a `whitespace` frame."""

    name: str
    """A channel, or `@device`, `@status`, `@sequence`, `@uptime`, `@skip`."""
    base: Literal["decimal", "hex"] = "decimal"
    digits: Annotated[int, Field(ge=1, le=13)] | None = None
    """How many digits a hexadecimal has, no more and no fewer. 13 hold 52 bits: every such number
    is a float."""
    signed: StrictBool = False
    """A hexadecimal is the two's complement of its width."""
    scale: Factor = 1.0
    offset: Factor = 0.0
    """The value is the number times scale, plus offset."""

    @model_validator(mode="before")
    @classmethod
    def _may_be_a_name(cls, data: Any) -> Any:
        return {"name": data} if isinstance(data, str) else data

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.base == "hex" and self.digits is None:
            raise Misplaced(("base",), "a hexadecimal needs its width: add `digits: 4`")
        if self.base == "decimal" and (self.digits is not None or self.signed):
            field = "signed" if self.signed else "digits"
            raise Misplaced((field,), "is for hexadecimals; add `base: hex` or leave it out")
        if self.scale == 0:
            raise Misplaced(("scale",), "0 makes every value the same; give another factor")
        if self.name in ("@device", "@status", "@skip") and self.model_fields_set != {"name"}:
            raise Misplaced(("name",), f"{self.name} is no number; leave the other keys out")
        if self.name == "@sequence" and self.scaled:
            raise Misplaced(("scale",), "a counter is not scaled; leave scale and offset out")
        return self

    @property
    def scaled(self) -> bool:
        """Return whether the value is another number than the one on the wire."""
        return self.scale != 1.0 or self.offset != 0.0


class WhitespaceFrame(LineSection):
    """`23.97  969.18 0F3A`: values in a fixed order, any blanks and tabs between them."""

    format: Literal["whitespace"]
    columns: Annotated[tuple[Column, ...], Field(min_length=1)]
    comment: Text | None = None
    """A line that starts with this is a header, not a frame."""
    missing: tuple[Text, ...] = ()
    """Texts that stand for a missing value."""

    @model_validator(mode="after")
    def _columns_differ(self) -> Self:
        _check_columns([column.name for column in self.columns])
        return self

    @property
    def names_device(self) -> bool:
        """See `FrameSection.names_device`."""
        return any(column.name == "@device" for column in self.columns)

    def channels_named(self) -> Iterator[tuple[Place, str]]:
        """See `FrameSection.channels_named`."""
        for i, column in enumerate(self.columns):
            if not column.name.startswith("@"):
                yield ("columns", i), column.name

    def check(self, keys: Sequence[str], words: Sequence[str]) -> None:  # noqa: ARG002
        """See `FrameSection.check`."""
        for end in (" ", "\t"):
            refuse_inside(words, end)


def _check_columns(columns: Sequence[str]) -> None:
    """Refuse a special column that there is not, and one column twice."""
    for i, column in enumerate(columns):
        if column[:1] == "@" and column not in SPECIAL_COLUMNS:
            raise Misplaced(("columns", i), unknown("column", column, SPECIAL_COLUMNS))
        if column != "@skip" and column in columns[:i]:
            raise Misplaced(("columns", i), f"two columns are {column!r}")
