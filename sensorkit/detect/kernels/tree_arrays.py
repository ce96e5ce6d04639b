"""Trees that were kept as arrays: whether they can be walked, whoever wrote the file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sensorkit.detect.kernels.walks import LEAF


class Walked(Protocol):
    """Binary trees in arrays, one behind the other."""

    @property
    def feature(self) -> NDArray[Any]: ...
    @property
    def left(self) -> NDArray[Any]: ...
    @property
    def right(self) -> NDArray[Any]: ...
    @property
    def roots(self) -> NDArray[Any]: ...


def check_walk(trees: Walked, arrays: Sequence[str]) -> None:
    """Raise ValueError if a walk from a root could leave the *arrays* or never end."""
    nodes = len(trees.feature)
    for name in arrays:
        if len(getattr(trees, name)) != nodes:
            raise ValueError(f"{name} has {len(getattr(trees, name))} nodes, feature {nodes}")
    here, inner = np.arange(nodes), trees.left != LEAF
    for child in (trees.left, trees.right):
        if ((child == LEAF) == inner).any():
            raise ValueError("a node has one child")
        if ((child[inner] <= here[inner]) | (child[inner] >= nodes)).any():
            raise ValueError("a child does not come behind its parent")
    if not len(trees.roots) or ((trees.roots < 0) | (trees.roots >= nodes)).any():
        raise ValueError("a root lies outside the nodes")


def check_features(feature: NDArray[Any], features: int) -> None:
    """Raise ValueError if a node asks for a feature that there is not."""
    if ((feature < 0) | (feature >= features)).any():
        raise ValueError(f"a node splits on a feature beyond the {features} there are")
