"""A service that keeps batches; see `tests.unit.app.batches.conftest`."""

from tests.unit.app.batches.conftest import service as service  # a fixture
