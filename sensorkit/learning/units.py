"""Units as devices state them, and what a quantity can physically be."""

from __future__ import annotations

import math
import re

UNITS = {
    "C": "°C",
    "°C": "°C",
    "ºC": "°C",
    "degC": "°C",
    "deg_C": "°C",
    "celsius": "°C",
    "F": "°F",
    "°F": "°F",
    "degF": "°F",
    "K": "K",
    "%": "%",
    "pct": "%",
    "percent": "%",
    "%RH": "%",
    "Pa": "Pa",
    "hPa": "hPa",
    "kPa": "kPa",
    "MPa": "MPa",
    "mbar": "mbar",
    "bar": "bar",
    "psi": "psi",
    "V": "V",
    "mV": "mV",
    "uV": "uV",
    "µV": "uV",
    "A": "A",
    "mA": "mA",
    "uA": "uA",
    "µA": "uA",
    "W": "W",
    "mW": "mW",
    "kW": "kW",
    "Wh": "Wh",
    "kWh": "kWh",
    "Hz": "Hz",
    "kHz": "kHz",
    "rpm": "rpm",
    "RPM": "rpm",
    "um": "um",
    "µm": "um",
    "mm": "mm",
    "cm": "cm",
    "km": "km",
    "lux": "lx",
    "lx": "lx",
    "ppm": "ppm",
    "ppb": "ppb",
    "mg": "mg",
    "kg": "kg",
    "ug/m3": "ug/m3",
    "m/s": "m/s",
    "km/h": "km/h",
    "m/s2": "m/s2",
    "dB": "dB",
    "dBm": "dBm",
    "deg": "deg",
    "ohm": "ohm",
    "kohm": "kohm",
    "L/min": "L/min",
    "l/min": "L/min",
}
"""What a device writes -> the unit. Case counts: mW is no MW. Single letters that are also usual
names (m, g, s) are left out."""

PHYSICAL: dict[str, tuple[float, float]] = {
    "°C": (-273.15, math.inf),
    "°F": (-459.67, math.inf),
    "K": (0.0, math.inf),
    "Pa": (0.0, math.inf),
    "lx": (0.0, math.inf),
    "ppm": (0.0, 1e6),
    "ppb": (0.0, 1e9),
    "Hz": (0.0, math.inf),
    "kHz": (0.0, math.inf),
    "ohm": (0.0, math.inf),
    "kohm": (0.0, math.inf),
    "ug/m3": (0.0, math.inf),
}
"""Unit -> what no such quantity can be below or above. Pressures other than Pa may be relative."""

_BRACKETS = re.compile(r"(.*?)[ _]*[\[(]\s*([^\])]{1,12}?)\s*[\])]\s*")
_SUFFIX = re.compile(r"(.*[^_ ])[_ ]([A-Za-z%/0-9_]{1,8})")


def of_name(text: str) -> tuple[str, str]:
    """Return the name in a header or key without its unit, and the unit; "" where none is stated.

    >>> of_name("temp_C"), of_name("T [degC]"), of_name("hum_%"), of_name("level_x")
    (('temp', '°C'), ('T', '°C'), ('hum', '%'), ('level_x', ''))
    """
    match = _BRACKETS.fullmatch(text)
    if match and match[1]:
        return match[1].strip(), known(match[2]) or match[2].strip()
    match = _SUFFIX.fullmatch(text)
    if match and (unit := known(match[2])):
        return match[1], unit
    return text, ""


def known(text: str) -> str:
    """Return the unit that *text* stands for, "" if it is none we know."""
    return UNITS.get(text.strip(), "")
