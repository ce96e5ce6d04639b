"""The window of a preset, for the detector of `sensorkit detect` that has one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sensorkit.config.site import Value


def chosen_then(context: Any, own: Value) -> Callable[[], list[str] | None]:
    """Return what gives the default of `--set` once `--detector` is known.

    The detector that a profile names has the window that it names; a saved one was fitted with
    its own.

    Parameters
    ----------
    context : Context
        Of the command.
    own : Value
        The window, in readings.
    """

    def default() -> list[str] | None:
        name = context.params.get("detector")
        if name is None:
            return None
        from sensorkit.detect.registry import find, names

        if name not in names():
            return None
        taken = inspect.signature(find(name)).parameters
        return [f"window={own.value}"] if "window" in taken else None

    return default
