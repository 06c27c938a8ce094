"""The exceptions that a library can raise, made without it: none may arrive as it is."""

import inspect
from types import ModuleType


def exceptions_of(*modules: ModuleType, base: type[Exception] = Exception) -> list[type[Exception]]:
    """Returns the exception classes that modules define or show, by name."""
    classes = {
        value
        for module in modules
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, base)
    }
    return sorted(classes, key=lambda kind: (kind.__module__, kind.__qualname__))


def bare(kind: type[Exception]) -> Exception:
    """Returns an exception of a class, whatever its constructor wants."""
    error = kind.__new__(kind)
    Exception.__init__(error, "secret detail")
    return error


def name_of(kind: type[Exception]) -> str:
    """Returns how a test names a class."""
    return f"{kind.__module__}.{kind.__qualname__}"
