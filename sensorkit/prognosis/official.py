"""The columns of C-MAPSS: what each is called in the paper, and its unit."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd


class Column(NamedTuple):
    """One of the 24 columns after the number of the engine and the cycle."""

    name: str
    symbol: str
    what: str
    unit: str


# Saxena et al. 2008, table II, in the order of the files; the settings are those of section III.
COLUMNS = (
    Column("setting_1", "alt", "altitude", "kft"),
    Column("setting_2", "Mach", "Mach number", ""),
    Column("setting_3", "TRA", "throttle resolver angle", "deg"),
    Column("sensor_1", "T2", "total temperature at fan inlet", "°R"),
    Column("sensor_2", "T24", "total temperature at LPC outlet", "°R"),
    Column("sensor_3", "T30", "total temperature at HPC outlet", "°R"),
    Column("sensor_4", "T50", "total temperature at LPT outlet", "°R"),
    Column("sensor_5", "P2", "pressure at fan inlet", "psia"),
    Column("sensor_6", "P15", "total pressure in bypass duct", "psia"),
    Column("sensor_7", "P30", "total pressure at HPC outlet", "psia"),
    Column("sensor_8", "Nf", "physical fan speed", "rpm"),
    Column("sensor_9", "Nc", "physical core speed", "rpm"),
    Column("sensor_10", "epr", "engine pressure ratio (P50/P2)", ""),
    Column("sensor_11", "Ps30", "static pressure at HPC outlet", "psia"),
    Column("sensor_12", "phi", "ratio of fuel flow to Ps30", "pps/psi"),
    Column("sensor_13", "NRf", "corrected fan speed", "rpm"),
    Column("sensor_14", "NRc", "corrected core speed", "rpm"),
    Column("sensor_15", "BPR", "bypass ratio", ""),
    Column("sensor_16", "farB", "burner fuel-air ratio", ""),
    Column("sensor_17", "htBleed", "bleed enthalpy", ""),
    Column("sensor_18", "Nf_dmd", "demanded fan speed", "rpm"),
    Column("sensor_19", "PCNfR_dmd", "demanded corrected fan speed", "rpm"),
    Column("sensor_20", "W31", "HPT coolant bleed", "lbm/s"),
    Column("sensor_21", "W32", "LPT coolant bleed", "lbm/s"),
)

SETTINGS = tuple(column.name for column in COLUMNS[:3])
SENSORS = tuple(column.name for column in COLUMNS[3:])


def columns() -> pd.DataFrame:
    """Return the columns as a table: name, symbol, what it is, unit.

    Examples
    --------
    >>> table = columns()
    >>> table.loc["sensor_4", ["symbol", "unit"]].tolist()
    ['T50', '°R']
    """
    return pd.DataFrame(COLUMNS).set_index("name")
