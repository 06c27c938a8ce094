"""Checks a config with Serve's own schema. The only module of the local stack that imports Ray.

Everything else talks to Ray over HTTP: importing Ray costs the command line more than a second.
"""

from typing import Any

from app.client.errors import CliError


def check_serve_schema(document: dict[str, Any], *, source: str) -> None:
    """Refuses a config that Serve would refuse, and keys that Serve would pass over in silence.

    Args:
        document: The config.
        source: The name of its file, for the message.

    Raises:
        CliError: It does not fit; each misfit is one line of the detail.
    """
    from pydantic import ValidationError
    from ray.serve.schema import ServeDeploySchema

    try:
        accepted = ServeDeploySchema.model_validate(document).model_dump(exclude_unset=True)
    except ValidationError as error:
        lines = [
            f"{'.'.join(str(part) for part in misfit['loc']) or 'config'}: {misfit['msg']}"
            for misfit in error.errors()
        ]
        raise CliError(f"{source} does not fit Serve's schema", detail="\n".join(lines)) from None
    except (ImportError, AttributeError) as error:
        # The schema imports the classes that a config names, such as a router's.
        raise CliError(f"{source} names code that cannot be imported: {error}") from None
    unknown = dropped_keys(document, accepted)
    if unknown:
        raise CliError(
            f"{source} has keys that Serve does not know: {', '.join(unknown)}",
            "Serve would deploy it without them. Is one misspelt?",
        )


def dropped_keys(given: Any, kept: Any, path: str = "") -> list[str]:
    """Returns the paths of all keys that are in `given` and not in `kept`, in the order given.

    >>> dropped_keys({"name": "a", "replicaz": 2}, {"name": "a"})
    ['replicaz']
    """
    if isinstance(given, dict) and isinstance(kept, dict):
        missing = [f"{path}{name}" for name in given if name not in kept]
        inner = [
            deeper
            for name, value in given.items()
            if name in kept
            for deeper in dropped_keys(value, kept[name], f"{path}{name}.")
        ]
        return missing + inner
    if isinstance(given, list) and isinstance(kept, list) and len(given) == len(kept):
        pairs = zip(given, kept, strict=True)
        return [
            deeper
            for index, (pair, other) in enumerate(pairs)
            for deeper in dropped_keys(pair, other, f"{path}{index}.")
        ]
    return []
