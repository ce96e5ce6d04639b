"""Fitted detectors in a file: JSON and arrays, nothing that could run.

A file is a zip archive: `detector.json` and one `<array>.npy` for each learned array, so
`numpy.load` opens it as an npz. What it says is checked before anything is made of it; no
pickle is ever read.
"""

from __future__ import annotations

import io
import json
import math
import os
import re
import zipfile
import zlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from sensorkit.detect.base import BaseDetector, Detector
from sensorkit.detect.calibration import CalibrationResult
from sensorkit.detect.registry import find
from sensorkit.errors import DetectorError, SensorkitError
from sensorkit.profile import Profile

FORMAT = "sensorkit.detector"
VERSION = 2
DESCRIPTION = "detector.json"

# A forest of 10 000 trees has 150 MB; a file that says it unpacks to more is no detector.
LARGEST_FILE = 1 << 28

# Each kind of compression raises errors of its own; one is enough.
COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

# Version 1.0 of the npy format, little-endian numbers in C order.
HEADER = re.compile(
    rb"\x93NUMPY\x01\x00..{'descr': '(?P<dtype>[<|][fiub][1248])', 'fortran_order': False, "
    rb"'shape': \((?P<shape>[0-9]{0,9}(?:, ?[0-9]{0,9}){0,4})\), } *\n",
    re.DOTALL,
)

# The threshold may be infinite, for which JSON has no number.
THRESHOLD = "threshold"


class _Part(BaseModel):
    """One detector, and those it is made of."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str
    params: dict[str, Any]
    channels: list[str] | None
    calibration: dict[str, Any] | None
    members: list[_Part]


class _Description(BaseModel):
    """What detector.json must look like; nothing else may stand in it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    format: str
    version: int
    profile: dict[str, Any] | None
    detector: _Part


def save(detector: Detector, path: str | Path) -> Path:
    """Write a detector to *path*: parameters, profile, fit, threshold, calibration.

    The stream is not in it: a loaded detector starts like one after `reset`. A file that is
    there already is replaced in one step.

    Parameters
    ----------
    detector : Detector
        One of `sensorkit.detect.names()`, fitted if it has to be.
    path : path

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    DetectorError
        If the detector is of a kind that could not be loaded again, or is not fitted.
    """
    path = Path(path)
    if not isinstance(detector, BaseDetector):
        raise DetectorError(
            f"{type(detector).__name__} cannot be saved; a subclass of "
            "sensorkit.detect.BaseDetector can"
        )
    described, arrays = _describe(detector)  # says so if its kind has no safe form
    kind = type(detector)
    if kind.learn is not BaseDetector.learn and kind.state is BaseDetector.state:
        raise DetectorError(
            f"{kind.__name__} cannot be saved: it learns, but has no state() that says what, and "
            "no restore()"
        )
    if find(detector.name) is not type(detector):
        raise DetectorError(
            f"{type(detector).__name__} cannot be saved: the name {detector.name!r} is "
            f"registered for {find(detector.name).__name__}; give it a name of its own"
        )
    description = {
        "format": FORMAT,
        "version": VERSION,
        "profile": None if detector.profile is None else detector.profile.to_dict(),
        "detector": described,
    }
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        text = json.dumps(description, indent=2, ensure_ascii=False, allow_nan=False)
        archive.writestr(_entry(DESCRIPTION), text + "\n")
        for name, array in sorted(arrays.items()):
            data = io.BytesIO()
            little = np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")
            np.lib.format.write_array(data, little, version=(1, 0), allow_pickle=False)
            archive.writestr(_entry(f"{name}.npy"), data.getvalue())
    _replace(path, content.getvalue())
    return path


def load(path: str | Path) -> BaseDetector:
    """Read a detector that `save` has written.

    Parameters
    ----------
    path : path
        The file; nothing in it is executed.

    Returns
    -------
    BaseDetector
        Fitted and calibrated as it was, at the beginning of a stream.

    Raises
    ------
    DetectorError
        If the file is none, is damaged, is of an unknown version, or holds what a detector of
        that name would not have written.
    OSError
        If it cannot be read.
    """
    path = Path(path)
    data = path.read_bytes()
    try:
        description, arrays = _unpack(data)
        return _build(description, arrays)
    except SensorkitError as error:
        raise DetectorError(f"{path}: {error}") from error
    except (ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile, zlib.error,
            RuntimeError, MemoryError) as error:  # fmt: skip
        raise DetectorError(
            f"{path}: is no detector that sensorkit has saved, or is damaged ({_brief(error)}); "
            "fit and save it again"
        ) from error


def _describe(detector: BaseDetector) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return a detector as JSON and arrays; those of its members have their number in front."""
    threshold = detector.threshold_  # says so if it is not fitted
    arrays = dict(detector.state()) if detector.fitted else {}
    arrays[THRESHOLD] = np.array([threshold])
    members = []
    for k, member in enumerate(detector.members):
        described, own = _describe(member)
        members.append(described)
        arrays |= {f"{k}.{name}": array for name, array in own.items()}
    return {
        "name": detector.name,
        "params": detector.get_params(),
        "channels": list(detector.channels) if detector.fitted and detector.channels else None,
        "calibration": asdict(detector.calibration_) if detector.calibration_ else None,
        "members": members,
    }, arrays


def _build(described: _Description, arrays: dict[str, NDArray[Any]]) -> BaseDetector:
    part = described.detector
    kind = find(part.name)
    if not issubclass(kind, BaseDetector):
        raise ValueError(f"{part.name!r} is of a kind that is not saved")
    if set(part.params) != set(kind.parameter_names()):
        raise ValueError(
            f"it has the parameters {', '.join(sorted(part.params))}, where "
            f"{part.name!r} has {', '.join(sorted(kind.parameter_names()))}"
        )
    profile = None
    if described.profile is not None:
        profile = Profile.from_dict(described.profile, "its profile")
    detector = kind(profile=profile, **part.params)
    _fill(detector, part, arrays)
    return detector


def _fill(detector: BaseDetector, part: _Part, arrays: dict[str, NDArray[Any]]) -> None:
    """Give a new detector, and its members, what they had learned."""
    if detector.name != part.name or detector.get_params() != part.params:
        raise ValueError(f"{part.name!r} is not as its parameters say")
    if len(detector.members) != len(part.members):
        raise ValueError(f"{part.name!r} has {len(part.members)} members")
    for k, (member, its) in enumerate(zip(detector.members, part.members, strict=True)):
        own = f"{k}."
        names = [name for name in arrays if name.startswith(own)]
        _fill(member, its, {name.removeprefix(own): arrays.pop(name) for name in names})
    threshold = arrays.pop(THRESHOLD)
    if threshold.dtype != np.float64 or threshold.shape != (1,) or np.isnan(threshold[0]):
        raise ValueError("the threshold is not a number")
    if part.channels is not None:
        if len(set(part.channels)) < len(part.channels):
            raise ValueError("a channel comes twice")
        if any(its.channels != part.channels for its in part.members):
            raise ValueError("a member has other channels")
        detector.watch_channels(tuple(part.channels))
        detector.fitted = True
    elif detector.must_be_fitted:
        raise ValueError("it is not fitted")
    detector.restore(arrays)
    if not detector.fixed:
        detector.accept_threshold(float(threshold[0]))
    elif threshold[0] != detector.threshold_:
        raise ValueError(f"the threshold of {part.name!r} cannot be {threshold[0]}")
    if part.calibration is not None:
        detector.calibration_ = _calibration(part.calibration)


def _calibration(fields: dict[str, Any]) -> CalibrationResult:
    result = CalibrationResult(**fields)
    if not (result.alarms >= 0 and 0 < result.clean_hours < math.inf):
        raise ValueError(f"calibration: {result.alarms} alarms in {result.clean_hours} hours")
    for name, kind in CalibrationResult.__annotations__.items():
        value = getattr(result, name)
        if type(value).__name__ != kind:
            raise ValueError(f"calibration: {name} is {value!r}, a {kind} is wanted")
    return result


def _unpack(data: bytes) -> tuple[_Description, dict[str, NDArray[Any]]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        if sum(member.file_size for member in members) > LARGEST_FILE:
            raise ValueError(f"it unpacks to more than {LARGEST_FILE >> 20} MB")
        if any(member.compress_type not in COMPRESSIONS for member in members):
            raise ValueError("it is compressed in another way than sensorkit does")
        names = [member.filename for member in members]
        if len(set(names)) < len(names) or DESCRIPTION not in names:
            raise ValueError(f"it does not hold one {DESCRIPTION}")
        described = _read(json.loads(archive.read(DESCRIPTION)))
        arrays = {}
        for name in names:
            if name == DESCRIPTION:
                continue
            if not name.endswith(".npy"):
                raise ValueError(f"it holds {name!r}, which is no array")
            arrays[name.removesuffix(".npy")] = _array(archive.read(name))
    return described, arrays


def _read(fields: Any) -> _Description:
    if not isinstance(fields, dict) or fields.get("format") != FORMAT:
        raise ValueError(f"its format is not {FORMAT!r}")
    if fields.get("version") != VERSION:
        raise DetectorError(
            f"is of version {fields.get('version')!r}; this sensorkit reads version {VERSION}: "
            "load it with the sensorkit that saved it, or fit and save it again"
        )
    try:
        return _Description.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ValueError(f"{DESCRIPTION}: {where}: {first['msg']}") from error


def _array(data: bytes) -> NDArray[Any]:
    """Read a .npy of numbers.

    numpy's own reader takes any Python literal for a header, warns of some and raises what
    the tokenizer raises; `save` writes one form only.
    """
    header = HEADER.match(data)
    if header is None:
        raise ValueError("an array is not as sensorkit writes it")
    shape = tuple(int(n) for n in header["shape"].decode().split(",") if n.strip())
    dtype = np.dtype(header["dtype"].decode())
    if len(data) - header.end() != math.prod(shape) * dtype.itemsize:
        raise ValueError("an array does not hold what its header says")
    native = dtype.newbyteorder("=")
    return np.frombuffer(data, dtype, offset=header.end()).reshape(shape).astype(native)


def _entry(name: str) -> zipfile.ZipInfo:
    # A fixed time: the same detector makes the same bytes.
    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _replace(path: Path, data: bytes) -> None:
    """Write *data* beside *path* and move it there: never half a detector."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        beside.write_bytes(data)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise type(error)(error.errno, error.strerror, str(path)) from error
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _brief(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return text[0] if text else type(error).__name__
