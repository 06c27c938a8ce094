"""No error of SQLAlchemy, and none of the drivers that it wraps, leaves the store as it is."""

import sqlite3

import pytest
import sqlalchemy.exc

from deployments.contracts.errors import RagError, StageError
from deployments.control.database import errors_as_ours
from tests.library_errors import bare, exceptions_of, name_of

KINDS = [
    kind for kind in exceptions_of(sqlalchemy.exc) if not issubclass(kind, Warning | AssertionError)
]


@pytest.mark.parametrize("kind", KINDS, ids=name_of)
def test_every_error_of_sqlalchemy_is_mapped(kind: type[Exception]) -> None:
    with pytest.raises(RagError) as caught, errors_as_ours():
        raise bare(kind)
    assert isinstance(caught.value, StageError)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("kind", exceptions_of(sqlite3, base=sqlite3.Error), ids=name_of)
def test_what_a_driver_raises_arrives_as_ours(kind: type[Exception]) -> None:
    """SQLAlchemy wraps it in a class of the same name."""
    wrapper = getattr(sqlalchemy.exc, kind.__name__, sqlalchemy.exc.DBAPIError)
    with pytest.raises(RagError) as caught, errors_as_ours():
        raise wrapper("SELECT secret", {}, bare(kind))
    assert "secret" not in str(caught.value)
