"""What is seen of elements that have no text of their own: drawings, and fields of forms."""

from selectolax.lexbor import LexborNode

from deployments.indexer.formats.html.lists import Attributes

_SHOWING = frozenset(
    (
        *("", "text", "search", "tel", "url", "email", "number", "submit", "reset", "button"),
        *("date", "time", "datetime-local", "month", "week"),
    )
)
"""Kinds of fields whose value is seen."""

_UNSEEN_IN_DRAWINGS = frozenset(("title", "desc", "metadata", "style", "script"))


def field_value(attributes: Attributes) -> str:
    """Returns what a field of a form shows."""
    kind = (attributes.get("type") or "").strip().lower()
    return attributes.get("value") or "" if kind in _SHOWING else ""


def drawing_text(drawing: LexborNode) -> str:
    """Returns the labels of a drawing, each on a line."""
    texts = (node for node in drawing.traverse(include_text=True) if node.tag == "-text")
    labels = (
        " ".join((node.text_content or "").split())
        for node in texts
        if node.parent is not None and node.parent.tag not in _UNSEEN_IN_DRAWINGS
    )
    return "\n".join(filter(None, labels))
