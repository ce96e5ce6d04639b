"""The `detector` of a profile: what watches the device where nobody names another."""

from __future__ import annotations

import json
from typing import Any

from pydantic import Field, field_validator

from sensorkit.checked_yaml import Section
from sensorkit.profile.rules import Name


class UsualDetector(Section):
    """A detector by name, with its parameters.

    Which names and parameters there are is known where detectors are made: a wrong one is told
    then (`sensorkit.detect.usual`).

    Examples
    --------
    >>> UsualDetector(name="sigma", parameters={"window": 50, "k": 3})
    UsualDetector(name='sigma', parameters={'window': 50, 'k': 3})
    """

    name: Name
    parameters: dict[str, Any] = Field(default_factory=dict)

    @field_validator("parameters")
    @classmethod
    def _has_no_profile(cls, parameters: dict[str, Any]) -> dict[str, Any]:
        if "profile" in parameters:
            raise ValueError("the profile is the one that this stands in; leave `profile` out")
        # It goes into every recording, as JSON.
        try:
            same = json.loads(json.dumps(parameters, allow_nan=False)) == parameters
        except (TypeError, ValueError, RecursionError):
            same = False
        if not same:
            raise ValueError(
                "only texts, finite numbers, lists and mappings with texts as keys can stand here"
            )
        return parameters
