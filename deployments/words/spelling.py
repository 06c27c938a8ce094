"""One spelling for words that are spelled in several ways, and for numbers.

Only what cannot be another word: a rule that is right for most words makes some questions equal
that are not.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

_SPELLINGS = {
    "e-mail": "email",
    "e-mails": "emails",
    "on-line": "online",
    "off-line": "offline",
    "web-site": "website",
    "web-sites": "websites",
    "wi-fi": "wifi",
    "co-operate": "cooperate",
    "co-operation": "cooperation",
    "co-ordinate": "coordinate",
    "co-ordinates": "coordinates",
    "co-ordination": "coordination",
    "versus": "vs",
    "vs.": "vs",
    "&": "and",
    "somebody": "someone",
    "anybody": "anyone",
    "everybody": "everyone",
    "grey": "gray",
    "centre": "center",
    "centres": "centers",
    "theatre": "theater",
    "metre": "meter",
    "metres": "meters",
    "litre": "liter",
    "litres": "liters",
    "fibre": "fiber",
    "defence": "defense",
    "licence": "license",
    "catalogue": "catalog",
    "dialogue": "dialog",
    "programme": "program",
    "programmes": "programs",
    "tumour": "tumor",
    "tumours": "tumors",
    "anaemia": "anemia",
    "leukaemia": "leukemia",
    "oesophagus": "esophagus",
    "haemorrhage": "hemorrhage",
    "paediatric": "pediatric",
    "cancelled": "canceled",
    "cancelling": "canceling",
    "labelled": "labeled",
    "labelling": "labeling",
    "modelling": "modeling",
    "travelling": "traveling",
}
_OUR = re.compile(
    r"(behavi|col|fav|flav|harb|hon|hum|lab|neighb|rum|vap)our"
    r"(s|ed|ing|al|able|ite|ites|hood|hoods)?"
)
_ISE = re.compile(
    r"(author|categor|character|custom|emphas|final|general|initial|local|maxim|minim|modern|"
    r"normal|optim|organ|parallel|prior|priorit|quant|random|real|recogn|serial|special|standard|"
    r"summar|synchron|token|util|vector|virtual|visual)is(e|es|ed|ing|er|ers|ation|ations)"
)
_HYPHENATED = re.compile(r"[a-z]+(?:-[a-z]+)+")
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+")
_INITIALS = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]\.?")
_KEPT_WORDS = 65_536
_PERCENT = re.compile(r"(\d+(?:[.,]\d+)*)%")


@lru_cache(maxsize=_KEPT_WORDS)
def plain(word: str) -> str:
    """Returns the one word that a folded word is spelled as: initials without points, a number
    without commas, otherwise as `spelled` does; what has several parts stays.

    >>> plain("u.s.a."), plain("1,000"), plain("colours"), plain("e-mail"), plain("read-only")
    ('usa', '1000', 'colors', 'email', 'read-only')
    """
    if word.isalpha() or not _INITIALS.fullmatch(word):
        parts = spelled(word)
        return parts[0] if len(parts) == 1 else word
    return word.replace(".", "")


def spelled(word: str) -> Sequence[str]:
    """Returns a word as it is spelled in America, its parts where a hyphen joins them, and a number
    without its commas.

    >>> spelled("colour-coded"), spelled("1,000"), spelled("5%")
    (['color', 'coded'], ('1000',), ('5', 'percent'))
    """
    if (known := _SPELLINGS.get(word)) is not None:
        return (known,)
    if _GROUPED.fullmatch(word):
        return (word.replace(",", ""),)
    if percent := _PERCENT.fullmatch(word):
        return (percent[1], "percent")
    if _HYPHENATED.fullmatch(word):
        return [part for piece in word.split("-") for part in spelled(piece)]
    if british := _OUR.fullmatch(word):
        return (f"{british[1]}or{british[2] or ''}",)
    if british := _ISE.fullmatch(word):
        return (f"{british[1]}iz{british[2]}",)
    return (word,)
