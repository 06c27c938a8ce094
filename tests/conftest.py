"""Fixtures of every test."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine makes any example late; what must be quick has a test that says so.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of sample files that are too large to keep beside the tests."""
    beside = Path(__file__).parents[1] / "../shared/data"
    folder = Path(os.environ.get("RAGSERVE_TEST_DATA", beside)).resolve()
    if not folder.is_dir():
        pytest.skip("no sample files: set RAGSERVE_TEST_DATA to their folder")
    return folder
