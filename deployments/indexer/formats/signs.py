"""Characters of fonts of signs, which stand where others have letters or in the private area: 61 of
the font Symbol is α.

Source: SYMBOL.TXT of the Unicode Consortium's mappings of Adobe; for Wingdings, its proposal
L2/11-052.
"""

import re
from collections.abc import Mapping

_PRIVATE = 0xF000
_IN_PRIVATE = re.compile("[\uf000-\uf0ff]")

_SYMBOL: Mapping[int, str] = {
    **dict(enumerate("∀#∃%&∋()∗+,−./0123456789:;<=>?", start=0x22)),
    **dict(enumerate("≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_‾", start=0x40)),
    **dict(enumerate("αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼", start=0x61)),
    **dict(enumerate("€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…", start=0xA0)),
    **dict(enumerate("ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊〈®©™∑", start=0xC0)),
    **{0x20: " ", 0x21: "!", 0xBF: "↵", 0xF1: "〉", 0xF2: "∫"},
}
_WINGDINGS: Mapping[int, str] = {
    **{0x22: "✂", 0x28: "☎", 0x2A: "✉", 0x36: "⌛", 0x4A: "☺", 0x4C: "☹", 0x54: "❄", 0x6C: "●"},
    **{0x6D: "❍", 0x6E: "■", 0x6F: "□", 0x71: "❑", 0x73: "⬧", 0x74: "⧫", 0x75: "◆", 0x76: "❖"},
    **{0x9F: "•", 0xA7: "▪", 0xA8: "◻", 0xAB: "★", 0xD8: "➢", 0xDF: "←", 0xE0: "→", 0xE1: "↑"},
    **{0xE2: "↓", 0xE7: "←", 0xE8: "➔", 0xEF: "⇦", 0xF0: "⇨", 0xFB: "✗", 0xFC: "✓", 0xFD: "☒"},
    **{0xFE: "☑", 0x20: " "},
}
_WINGDINGS_2: Mapping[int, str] = {0x4F: "✗", 0x50: "✓", 0x52: "☑", 0x54: "☒", 0xA3: "☐"}
_FONTS = {"symbol": _SYMBOL, "wingdings": _WINGDINGS, "wingdings 2": _WINGDINGS_2}


def sign(font: str, code: int) -> str:
    """Returns a character of a font; "" for one that has no name outside it.

    >>> sign("Symbol", 0xF061), sign("Wingdings", 0xFC), sign("Acme Icons", 0xF0FC)
    ('α', '✓', '')
    """
    known = _FONTS.get(font.strip().lower())
    if known is not None:
        return known.get(code - _PRIVATE if _PRIVATE <= code <= _PRIVATE + 0xFF else code, "")
    is_private = 0xE000 <= code <= 0xF8FF
    return "" if is_private or not 0x20 <= code <= 0x10FFFF else chr(code)


def with_signs(text: str, font: str) -> str:
    """Returns a text with the signs of its font in place of characters of the private area."""
    return _IN_PRIVATE.sub(lambda found: sign(font, ord(found[0])) or found[0], text)
