"""Pass frames over a faulty line: the bytes that arrive instead."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sensorkit.errors import PlanError
from sensorkit.faults.base import Passage, TransportKind
from sensorkit.faults.placing import Placed, fault_streams
from sensorkit.faults.plan import FaultPlan


def distort(frames: Sequence[bytes], placed: Placed, plan: FaultPlan, seed: int) -> list[bytes]:
    r"""Return what arrives in the place of each frame while a transport fault lasts.

    Parameters
    ----------
    frames : sequence of bytes
        All frames that the fault covers, with their line ends.
    placed : Placed
        Of a transport kind.
    plan : FaultPlan
        The plan it is from.
    seed : int

    Returns
    -------
    list of bytes
        As many as frames were given; `b""` where nothing arrives.

    Examples
    --------
    >>> from sensorkit.faults.plan import Fault
    >>> plan = FaultPlan(faults=(Fault(kind="truncate", duration_s=1, magnitude=3),))
    >>> distort([b"T:25.13\n"], Placed(plan.faults[0], 1, 0, 1), plan, seed=0)
    [b'T:25\n']
    """
    return _kind(placed).distort(_passage(frames, placed, plan, seed))


def distort_times(
    times_ns: NDArray[np.int64], placed: Placed, plan: FaultPlan, seed: int
) -> NDArray[np.int64]:
    """Return when the frames arrive that a transport fault covers, and would have at *times_ns*.

    Parameters
    ----------
    times_ns : array of int64, shape (n,)
        Of all frames that the fault covers.
    placed : Placed
        Of a transport kind.
    plan : FaultPlan
        The plan it is from.
    seed : int

    Returns
    -------
    array of int64, shape (n,)
        Never earlier, and rising where *times_ns* are. Frames after the fault may have to wait
        for its last one.

    Examples
    --------
    >>> from sensorkit.faults.plan import Fault
    >>> plan = FaultPlan(faults=(Fault(kind="jitter", duration_s=3, magnitude=0.5),))
    >>> times = np.arange(3) * 1_000_000_000
    >>> late = distort_times(times, Placed(plan.faults[0], 1, 0, 3), plan, seed=0)
    >>> bool((late > times).all() and (np.diff(late) >= 0).all())
    True
    """
    kind = _kind(placed)
    return (
        kind.distort_times(times_ns, _passage([], placed, plan, seed)) if kind.delays else times_ns
    )


def _kind(placed: Placed) -> TransportKind:
    kind = placed.fault.of
    if not isinstance(kind, TransportKind):
        raise TypeError(f"{kind.name} is no fault of frames but of the {kind.layer} layer")
    return kind


def _passage(frames: Sequence[bytes], placed: Placed, plan: FaultPlan, seed: int) -> Passage:
    return Passage(frames, placed.fault.size, fault_streams(plan, seed, placed.id)[1])


def refuse_live(placed: Placed) -> None:
    """Refuse a fault that only a live link can have, where there is none.

    Raises
    ------
    PlanError
        If it is one.
    """
    kind = placed.fault.of
    if isinstance(kind, TransportKind) and kind.live:
        raise PlanError(
            f"fault {placed.number} ({kind.name}) acts on the link or on the device itself, and "
            "what was recorded has neither; let `sensorkit emulate` have it, or take a silence"
        )
