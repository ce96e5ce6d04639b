"""The parameters of a detector: read, changed, checked; the nearest is named for an unknown."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable
from typing import Any, Self

import numpy as np

from sensorkit import nearest
from sensorkit.errors import DetectorError
from sensorkit.profile import Profile


class Parametrized:
    """Something whose parameters are the arguments of its constructor.

    The profile describes the device and is none of them: `get_params` leaves it out, `clone`
    hands it on.
    """

    name: str

    def __init__(self, profile: Profile | None = None) -> None:
        self.profile = profile

    @classmethod
    def parameter_names(cls) -> tuple[str, ...]:
        """Return the names of the parameters, in the order of the constructor."""
        own = inspect.signature(cls).parameters.values()
        return tuple(p.name for p in own if p.name != "profile" and p.kind is not p.VAR_KEYWORD)

    @classmethod
    def check_names(cls, params: Iterable[str]) -> None:
        """Raise DetectorError for the name of a parameter that there is not."""
        known = cls.parameter_names()
        for name in params:
            if name not in known:
                raise unknown(f"{cls.name} parameter", name, known)

    def get_params(self) -> dict[str, Any]:
        """Return the parameters, ready for JSON."""
        return {name: getattr(self, name) for name in self.parameter_names()}

    def set_params(self, **params: Any) -> Self:
        """Change parameters; the fit, the calibration and the stream are forgotten.

        Raises
        ------
        DetectorError
            If a parameter is unknown or out of range; nothing is changed then.
        """
        self.check_names(params)
        fresh = type(self)(profile=self.profile, **{**self.get_params(), **params})
        self.__dict__ = fresh.__dict__
        return self

    def clone(self) -> Self:
        """Return a new detector with the same parameters, which has seen nothing."""
        return type(self)(profile=self.profile, **self.get_params())

    def __repr__(self) -> str:
        params = ", ".join(f"{name}={value!r}" for name, value in self.get_params().items())
        return f"{type(self).__name__}({params})"


def whole(owner: str, name: str, value: object, *, least: int) -> int:
    """Return *value* if it is a whole number of at least *least*.

    Raises
    ------
    DetectorError
        If it is not; *owner* and *name* stand in the message.

    Examples
    --------
    >>> whole("sigma", "window", 50, least=2)
    50
    """
    if isinstance(value, int | np.integer) and not isinstance(value, bool) and value >= least:
        return int(value)
    raise DetectorError(
        f"{owner}: {name} is {value!r}; a whole number of at least {least} is wanted"
    )


def positive(owner: str, name: str, value: object) -> float:
    """Return *value* as float if it is a finite number above zero.

    Raises
    ------
    DetectorError
        If it is not; *owner* and *name* stand in the message.

    Examples
    --------
    >>> positive("sigma", "k", 3)
    3.0
    """
    number = _number(value)
    if 0 < number < math.inf:
        return number
    raise DetectorError(f"{owner}: {name} is {value!r}; a number above 0 is wanted")


def not_negative(owner: str, name: str, value: object) -> float:
    """Return *value* as float if it is a finite number of at least zero.

    Raises
    ------
    DetectorError
        If it is not; *owner* and *name* stand in the message.

    Examples
    --------
    >>> not_negative("sigma", "refractory_s", 0)
    0.0
    """
    number = _number(value)
    if 0 <= number < math.inf:
        return number
    raise DetectorError(f"{owner}: {name} is {value!r}; a number of at least 0 is wanted")


def share(owner: str, name: str, value: object) -> float:
    """Return *value* as float if it is a number from 0 to 1.

    Raises
    ------
    DetectorError
        If it is not; *owner* and *name* stand in the message.

    Examples
    --------
    >>> share("forest", "foreign", 0)
    0.0
    """
    number = _number(value)
    if 0 <= number <= 1:
        return number
    raise DetectorError(f"{owner}: {name} is {value!r}; a number from 0 to 1 is wanted")


def _number(value: object) -> float:
    """Return *value* as float, NaN if it is no number; a truth value is none."""
    if isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:  # 10**400
            return math.inf if value > 0 else -math.inf
    return math.nan


def unknown(what: str, name: str, known: Iterable[str]) -> DetectorError:
    """Return the error for a *name* that is not among *known*, with the nearest one.

    Examples
    --------
    >>> print(unknown("detector", "sigam", ["forest", "sigma"]))
    unknown detector 'sigam'; there are forest, sigma; did you mean 'sigma'?
    """
    return DetectorError(nearest.unknown(what, name, known))
