"""What elements of HTML mean for a reader: which stand apart, which are not seen, which stay whole.

Source: the rendering section of the HTML standard. Whatever it does not know is a custom element:
it stands apart by a blank, as nobody knows how it is shown.
"""

UNSEEN = frozenset(
    (
        *("head", "nav", "script", "style", "noscript", "template", "iframe", "object"),
        *("audio", "video", "canvas", "datalist", "noframes", "noembed"),
        *("rt", "rp", "rtc", "map", "title"),
    )
)

INLINE = frozenset(
    (
        *("a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn"),
        *(
            "em",
            "font",
            "i",
            "ins",
            "kbd",
            "mark",
            "meter",
            "nobr",
            "output",
            "progress",
            "q",
            "rb",
        ),
        *("ruby", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt"),
        *("u", "var", "wbr", "img", "picture", "source", "slot", "blink"),
    )
)

BLOCK = frozenset(
    (
        *("address", "article", "aside", "blockquote", "body", "button", "caption", "center"),
        *("dd", "details", "dialog", "dir", "div", "dl", "dt", "fieldset", "figcaption", "figure"),
        *("footer", "form", "frameset", "header", "hgroup", "hr", "html", "input", "label"),
        *("legend", "li", "listing", "main", "marquee", "menu", "ol", "optgroup", "option", "p"),
        *("plaintext", "pre", "search", "section", "select", "summary", "table", "tbody", "td"),
        *(
            "textarea",
            "tfoot",
            "th",
            "thead",
            "tr",
            "ul",
            "xmp",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
        ),
    )
)

HEADINGS = {f"h{level}": level for level in range(1, 7)}

PREFORMATTED = frozenset(("pre", "listing", "plaintext", "xmp"))

LISTS = frozenset(("ul", "ol", "menu", "dir"))

STRUCK = frozenset(("del", "s", "strike"))

CODE = frozenset(("code", "kbd", "samp", "tt"))

TAGS = BLOCK | INLINE | UNSEEN | {"br", "math"}
"""Names that a browser knows; `<T>` in a text is none."""
