"""A session at a glance: each link with what came over it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sensorkit.display.cards import Card, Table
from sensorkit.display.formats import count

if TYPE_CHECKING:
    from sensorkit.capture.session import Session


def card(session: Session) -> Card:
    """Return what is shown of *session*."""
    meta = session.meta
    facts = [
        ("status", f"{session.status} {meta['reason']}".strip()),
        ("started", str(meta["started"])),
        ("ended", str(meta.get("ended") or "")),
    ]
    rows = [_row(device) for device in session.devices]
    columns = ("device", "link", "profile", "status", "frames", "rejected", "lost")
    return Card("Session", session.name, facts, [Table("Devices", columns, rows, words=4)])


def _row(device: dict[str, Any]) -> list[str]:
    counts = device.get("counts")
    numbers = ["", "", ""]
    if isinstance(counts, dict):
        rejected = counts.get("rejected")
        lines = sum(map(_number, rejected.values())) if isinstance(rejected, dict) else 0
        told = (_number(counts.get("frames")), lines, _number(counts.get("lost")))
        numbers = [count(number) for number in told]
    return [device["name"], device["link"], device["profile"], device["status"], *numbers]


def _number(told: object) -> float:
    return told if isinstance(told, int | float) else 0
