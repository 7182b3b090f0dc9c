"""Of what takes long `make test` plays a sample, and `make torture` all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from _pytest.mark.structures import ParameterSet


def sampled(values: Iterable[Any], *quick: int) -> list[ParameterSet]:
    """The parameters of such a test; the sample are those at these places."""
    torture, sample = pytest.mark.torture, pytest.mark.sample
    return [
        pytest.param(value, marks=(torture, sample) if place in quick else torture)
        for place, value in enumerate(values)
    ]
