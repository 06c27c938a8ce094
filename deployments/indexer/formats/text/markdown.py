"""Reads Markdown: front matter becomes title and metadata, embedded pictures their descriptions,
and HTML what it shows."""

from deployments.contracts.documents import Part
from deployments.indexer.formats.converted import Converted, left_out
from deployments.indexer.formats.pictures import drop_pictures
from deployments.indexer.formats.text.encodings import decode_text
from deployments.indexer.formats.text.front_matter import read_front_matter
from deployments.indexer.formats.text.html_in_markdown import show_html


def read_markdown(content: bytes) -> Converted:
    """Reads a text with its front matter."""
    decoded = decode_text(content)
    matter = read_front_matter(decoded.text)
    text, picture_count = drop_pictures(matter.text)
    nested = len(matter.nested)
    warnings = (
        left_out(
            nested,
            "nested field of the front matter",
            "nested fields of the front matter",
            names=matter.nested,
        ),
        left_out(picture_count, "embedded picture"),
    )
    return Converted(
        (Part(show_html(text)),),
        title=matter.title,
        metadata=matter.fields,
        markup="markdown",
        warnings=(*decoded.warnings, *filter(None, warnings)),
    )
