"""What the profile of a device says about evaluating it: its `campaign` and its `detector`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sensorkit.evaluate import Settings
from sensorkit.evaluate.settings import KIND, DetectabilityGrid
from sensorkit.profile import Profile

USUAL = "usual"
"""Name in the table of the detector that watches the device where nobody names another."""

FULL_HOURS = 24.0
"""With fewer, a run is divided as a short recording is: there are no clean days to spend."""

QUICK_READINGS = 3600
"""A first look takes no more of an emulated device: the hour of one that sends one a second."""


def parameters_of(profiles: Sequence[Profile], *, emulated: bool, quick: bool) -> dict[str, Any]:
    """Return the parameters of the notebooks that the profiles of the devices say.

    Parameters
    ----------
    profiles : sequence of Profile
        Of one device, or of recordings; where these differ, nothing is taken from them.
    emulated : bool
        The hours are those of an emulated device.
    quick : bool
        No detectability is measured, and so none is narrowed; the hours are `QUICK_READINGS` at
        most.

    Examples
    --------
    >>> parameters_of([Profile.load("serial_monitor")], emulated=True, quick=False)
    {}
    """
    if not profiles or any(profile != profiles[0] for profile in profiles[1:]):
        return {}
    profile = profiles[0]
    found: dict[str, Any] = {}
    campaign = profile.campaign
    if campaign is not None:
        found |= {"channels": list(campaign.channels)} if campaign.channels else {}
        found |= {"kinds": list(campaign.kinds)} if campaign.kinds else {}
        if campaign.hours and emulated:
            first_look = QUICK_READINGS / profile.rate_hz / 3600
            found["hours"] = min(campaign.hours, first_look) if quick else campaign.hours
        if found and not quick:
            found["detectability"] = _narrowed(found)
    if profile.detector is not None:
        chosen = Settings().resolved(profiles)
        usual = {KIND: profile.detector.name, **profile.detector.parameters}
        found["detectors"] = {USUAL: usual, **chosen}
    return found


def _narrowed(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the grid of single faults, with the channels and kinds of a campaign."""
    grid = DetectabilityGrid()
    kinds = [kind for kind in found.get("kinds", grid.kinds) if kind in grid.kinds]
    narrowed = grid.model_copy(
        update={"channels": tuple(found.get("channels", ())), "kinds": tuple(kinds) or grid.kinds}
    )
    return narrowed.model_dump(mode="json")
