"""Pass frames over a faulty line: the bytes that arrive instead."""

from __future__ import annotations

from collections.abc import Sequence

from sensorkit.errors import PlanError
from sensorkit.faults.base import Passage, TransportKind
from sensorkit.faults.labels import sizes
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
    kind = placed.fault.of
    if not isinstance(kind, TransportKind):
        raise TypeError(f"{kind.name} is no fault of frames but of the {kind.layer} layer")
    rng = fault_streams(plan, seed, placed.id)[1]
    return kind.distort(Passage(frames, sizes(placed, None)[0], rng))


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
            f"fault {placed.id} ({kind.name}) acts on the link or on the device itself, and what "
            "was recorded has neither; let `sensorkit emulate` have it, or take a silence"
        )
