"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data():
    """Folder of real expression data: $SKGEX_DATA, or ../shared/data beside the repository."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("SKGEX_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"real data are not here: no folder {folder} (set SKGEX_DATA)")
    return folder
