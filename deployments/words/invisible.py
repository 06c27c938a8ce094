"""Characters that nobody sees: they go, so that a word is found however it was typeset.

Source: Default_Ignorable_Code_Point of Unicode's DerivedCoreProperties.txt, and the controls of
bidirectional text. Three kinds stay where they mean something: joiners between letters of scripts
that write with them or in an emoji, variation selectors of an emoji, and those of Mongolian.
"""

import re

IGNORABLE = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""The characters, as what stands in a class of a pattern."""

_JOINING = (
    r"\u0600-\u060b\u0610-\u061a\u0620-\u074f\u0750-\u07bf\u0840-\u0dff\u1000-\u109f"
    r"\u1780-\u17b3\u17b6-\u18af\u1a20-\u1aaf\u1b00-\u1c4f\ua840-\ua87f\ua8e0-\ua8ff\uaa60-\uaa7f"
    r"\ufb50-\ufdff\ufe70-\ufefc\U00010b80-\U00010baf\U00010e60-\U00010e7e\U00011000-\U00011fff"
)
_EMOJI = r"\u00a9\u00ae\u203c\u2049\u2122-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"

_UNSEEN = re.compile(
    rf"(?<=[{_JOINING}])[\u200c\u200d](?=[{_JOINING}])"
    rf"|(?<=[{_EMOJI}\ufe0f])\u200d(?=[{_EMOJI}])"
    rf"|(?<=[{_EMOJI}#*0-9])\ufe0f(?=\u20e3|\u200d?[{_EMOJI}]|(?<=[{_EMOJI}]\ufe0f))"
    r"|(?<=[\u1820-\u18aa])[\u180b-\u180f]"
    rf"|(?P<unseen>[{IGNORABLE}]+?)"
)
_ANY = re.compile(rf"[{IGNORABLE}]+")
_MEANING = re.compile(r"[\u180b-\u180f\u200c\u200d\ufe0f]")


def drop_invisible(text: str) -> str:
    """Returns the text without characters that show nothing.

    >>> drop_invisible("hydro\\u00adgraphic \\u202esurvey\\u202c")
    'hydrographic survey'
    """
    if text.isascii():
        return text
    if _MEANING.search(text) is None:
        return _ANY.sub("", text)
    return _UNSEEN.sub(lambda match: "" if match["unseen"] else match[0], text)
