"""Fixtures of every test."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of sample files that are too large to keep beside the tests."""
    beside = Path(__file__).parents[1] / "../shared/data"
    folder = Path(os.environ.get("RAGSERVE_TEST_DATA", beside)).resolve()
    if not folder.is_dir():
        pytest.skip("no sample files: set RAGSERVE_TEST_DATA to their folder")
    return folder
