"""What a worker process of Ray loads before it is given anything to do: Serve, without pandas.

Serve takes pandas along where it is installed, for ingresses that return data frames. With what it
takes along itself, that is a quarter of the time that a replica needs to start, and 35 MB of its
own in each process. Who needs pandas later, as MLflow does, imports it then.
"""

import sys

_UNWANTED = "pandas"


def load_serve() -> None:
    """Imports Serve as if pandas were missing, where neither is there yet."""
    if _UNWANTED in sys.modules:
        import ray.serve

        return
    sys.modules[_UNWANTED] = None  # type: ignore[assignment]
    try:
        import ray.serve  # noqa: F401
    finally:
        del sys.modules[_UNWANTED]


load_serve()
