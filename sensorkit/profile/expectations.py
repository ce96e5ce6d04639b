"""The `expectations` of a profile: what must be true of good data, checked reading by reading."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple, Self

from pydantic import Field, field_validator, model_validator

from sensorkit.checked_yaml import Misplaced, Section
from sensorkit.nearest import did_you_mean
from sensorkit.profile.rules import IS_NUMBER, Finite, Name, Positive
from sensorkit.readings import Severity

LIKE = "{channel: ph, between: [6, 8]}"
"""What an expectation looks like, to whoever wrote something else."""

STATUS = "status"
"""Stands for the status word where no channel has this name."""

CHECKS: dict[str, str] = {
    "between": "validity",
    "one_of": "validity",
    "not_null": "completeness",
    "increasing": "consistency",
    "not_falling": "consistency",
    "max_step": "consistency",
    "changes_within_s": "consistency",
    "relation": "consistency",
    "unique": "uniqueness",
}
"""What may be expected -> the dimension of data quality that a reading beyond it lowers."""

KINDS = ", ".join(CHECKS)

_NAME = r"[A-Za-z][A-Za-z0-9_.-]*"
_NUMBER = r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
_COMPARES = re.compile(
    rf"\s*({_NAME})\s*(>=|<=|==|!=|>|<)\s*({_NAME})\s*(?:(?<=\s)([+-])\s+({_NUMBER})\s*)?"
)
_NEAR = re.compile(rf"\s*\|\s*({_NAME})\s+-\s+({_NAME})\s*\|\s*<=\s*({_NUMBER})\s*")

LONGEST_RELATION = 200


class Relation(NamedTuple):
    """`left sign right + offset`; with the sign `near` it is `|left - right| <= offset`."""

    left: str
    sign: str
    right: str
    offset: float

    @classmethod
    def parse(cls, text: str) -> Relation:
        """Read one of the few forms there are; nothing is ever evaluated.

        Raises
        ------
        ValueError
            If *text* has another form.

        Examples
        --------
        >>> Relation.parse("outlet <= inlet + 0.5")
        Relation(left='outlet', sign='<=', right='inlet', offset=0.5)
        >>> Relation.parse("|t1 - t2| <= 2").sign
        'near'
        """
        if len(text) <= LONGEST_RELATION:
            if near := _NEAR.fullmatch(text):
                return cls(near[1], "near", near[2], float(near[3]))
            if found := _COMPARES.fullmatch(text):
                offset = float(found[5] or 0) * (-1 if found[4] == "-" else 1)
                return cls(found[1], found[2], found[3], offset)
        raise ValueError(
            "two channels compared are wanted: 'in >= out', 'in >= out + 0.5' (blanks around the "
            "+) or '|a - b| <= 2'; the signs are >=, <=, >, <, == and !="
        )


class Expectation(Section):
    """One thing that good data do; a value, or a reading, that does not is a flaw.

    Exactly one of the checks is given. docs/data-quality.md has the table.
    """

    name: Name | None = None
    """As issues call it; made of channel and check where not given."""
    channel: str | None = None
    """Of the profile; `status` is the status word."""
    channels: tuple[str, ...] = ()
    """relation: the two that it names; may be left out."""
    between: tuple[Finite, Finite] | None = None
    """Lowest and highest value, both allowed."""
    one_of: Annotated[
        tuple[Annotated[float, Field(allow_inf_nan=False)] | str, ...], Field(max_length=1000)
    ] = ()
    """Numbers for a channel, words for `status`."""
    increasing: bool = False
    """Each value is larger than the one before."""
    not_falling: bool = False
    """No value is smaller than the one before."""
    max_step: Positive | None = None
    """Largest change from one value to the next, in the channel's unit."""
    changes_within_s: Positive | None = None
    """Longest time in seconds without a change."""
    not_null: bool = False
    """There is a value in each reading."""
    unique: bool = False
    """No value comes again within the next thousand readings."""
    relation: str | None = None
    """`in >= out`, `in >= out + 0.5` or `|a - b| <= 2`."""
    share: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False), IS_NUMBER] = 1.0
    """The expectation is met while at least this share of what was judged holds it."""
    severity: Severity = Severity.WARNING

    @property
    def check(self) -> str:
        """Return which of the checks it is."""
        return next(name for name in CHECKS if self._gives(name))

    @property
    def compared(self) -> Relation | None:
        """Return the relation, read."""
        return None if self.relation is None else Relation.parse(self.relation)

    @property
    def about(self) -> tuple[str, ...]:
        """Return the channels it is about, or `status`."""
        compared = self.compared
        if compared is not None:
            return (compared.left, compared.right)
        return () if self.channel is None else (self.channel,)

    @property
    def title(self) -> str:
        """Return its name, or one made of channel and check.

        >>> Expectation(channel="ph", between=(6, 8)).title
        'ph between 6 and 8'
        """
        if self.name is not None:
            return self.name
        if self.relation is not None:
            return self.relation
        if self.between is not None:
            return f"{self.channel} between {self.between[0]:g} and {self.between[1]:g}"
        if self.one_of:
            return f"{self.channel} one of {len(self.one_of)}"
        if self.max_step is not None:
            return f"{self.channel} max_step {self.max_step:g}"
        if self.changes_within_s is not None:
            return f"{self.channel} changes within {self.changes_within_s:g} s"
        return f"{self.channel} {self.check}"

    def _gives(self, name: str) -> bool:
        return getattr(self, name) not in (None, (), False)

    @field_validator("one_of", "channels", mode="before")
    @classmethod
    def _are_a_list(cls, given: Any) -> Any:
        if isinstance(given, str | int | float):
            raise ValueError(f"a list is wanted: [{given}]")
        if isinstance(given, list | tuple) and any(isinstance(one, bool) for one in given):
            raise ValueError("yes and no are neither numbers nor words; put words into quotes")
        return given

    @model_validator(mode="before")
    @classmethod
    def _is_one(cls, data: Any) -> Any:
        if not isinstance(data, cls | Mapping):
            raise ValueError(f"an expectation is wanted, such as {LIKE}")
        return data

    @model_validator(mode="after")
    def _one_check(self) -> Self:
        given = [name for name in CHECKS if self._gives(name)]
        if not given:
            raise ValueError(f"an expectation needs a check; there are {KINDS}; such as {LIKE}")
        if len(given) > 1:
            raise Misplaced(
                (given[1],),
                f"one expectation has one check, this has {' and '.join(given)}; make two of them",
            )
        if self.relation is None:
            if self.channels:
                raise Misplaced(("channels",), "only a relation has several; give one channel")
            if self.channel is None:
                raise ValueError(f"{given[0]} needs a channel, such as {LIKE}")
        return self

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.between is not None and not self.between[0] <= self.between[1]:
            low, high = self.between
            raise Misplaced(
                ("between",), f"{self.channel!r}: low ({low:g}) is above high ({high:g}); swap them"
            )
        if self.relation is not None:
            try:
                named = {*self.about}
            except ValueError as error:
                raise Misplaced(("relation",), str(error)) from error
            if self.channel is not None:
                raise Misplaced(("channel",), "a relation names its channels itself; leave it out")
            if self.channels and set(self.channels) != named:
                raise Misplaced(
                    ("channels",),
                    f"the relation is about {', '.join(sorted(named))}; give these or none",
                )
        return self

    def check_names(self, channels: tuple[str, ...], words: tuple[str, ...]) -> None:
        """Hold it against the profile it stands in.

        Parameters
        ----------
        channels : tuple of str
        words : tuple of str
            All the device may say; empty for any.

        Raises
        ------
        Misplaced
            If it names what there is not, or asks of words what only numbers can do.
        """
        of_status = self.channel == STATUS and STATUS not in channels
        for name in () if of_status else self.about:
            if name not in channels:
                loc = "channel" if self.relation is None else "relation"
                raise Misplaced((loc,), f"no channel {name!r}; {did_you_mean(name, channels)}")
        if not of_status:
            for k, one in enumerate(self.one_of):
                if isinstance(one, str):
                    raise Misplaced(("one_of", k), f"a number is wanted for {self.channel!r}")
            return
        if self.check != "one_of":
            raise Misplaced((self.check,), f"{STATUS} has words; it takes one_of alone")
        for k, word in enumerate(self.one_of):
            if not isinstance(word, str):
                raise Misplaced(("one_of", k), "a word is wanted; put it into quotes")
            if words and word not in words:
                hint = did_you_mean(word, words)
                raise Misplaced(("one_of", k), f"{word!r} is not among status_words; {hint}")


Expectations = Annotated[tuple[Expectation, ...], Field(max_length=200)]
"""The section of a profile."""

__all__ = ["CHECKS", "STATUS", "Expectation", "Expectations", "Relation"]
