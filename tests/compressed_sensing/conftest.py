"""The decoders that every promise is tested on."""

from functools import partial

import pytest

import skgex

from .measured import DECODERS


@pytest.fixture(params=DECODERS)
def make(request):
    """Make a decoder that has nothing to choose."""
    return partial(getattr(skgex, request.param), **DECODERS[request.param])
