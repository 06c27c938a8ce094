"""What a terminal would show of a text: control sequences and overwritten characters go.

ECMA-48 names the sequences. They are recognised whole, because what follows an escape character
would otherwise stay and stick to the words.
"""

import re

_SEQUENCE = re.compile(
    r"(?P<csi>(?:\x1b\[|\x9b)[0-?]*[ -/]*(?P<final>[@-~])?)"
    # OSC ends with BEL or ST; DCS, SOS, PM and APC with ST; one left open ends with its line.
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
    r"|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c\n]*(?:\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)
_RAW_COLOUR = re.compile(rb"(?<![\x80-\xff])\x9b[0-9][0-9;]*[mKABCDGHJ]")
_STARTS = re.compile(r"[\x1b\x90\x98\x9b\x9d-\x9f]")
_MOVES_AWAY = frozenset("HfEF")
_MOVES_RIGHT = frozenset("C")
_ERASES_LINE = re.compile(r"\x1b\[[0-2]?K|\x9b[0-2]?K")
_CHANGING = re.compile(r"[\d\s.,:%=#>\-*|/\\\[\]()█▏▎▍▌▋▊▉░▒▓━╸╺⠀-⣿]+")


def drop_raw_sequences(content: bytes) -> bytes:
    """Returns a file without sequences that begin with one byte above ASCII, of terminals of eight
    bits: what decodes the file would take the byte for a letter. In UTF-8 it is a part of one, and
    UTF-16 has none."""
    is_wide = b"\0" in content or content.startswith((b"\xff\xfe", b"\xfe\xff"))
    return content if is_wide else _RAW_COLOUR.sub(b"", content)


def drop_sequences(text: str) -> str:
    """Returns the text without control sequences of terminals; hyperlinks leave their words.

    A sequence that moves the cursor elsewhere leaves a line end, one that moves it right a blank.
    """
    return _SEQUENCE.sub(_leave, text) if _STARTS.search(text) else text


def _leave(match: re.Match[str]) -> str:
    final = match["final"]
    if final in _MOVES_AWAY and match.start():
        return "\n"
    return " " if final in _MOVES_RIGHT else ""


def show_lines(text: str) -> str:
    """Returns a log as its terminal showed it last.

    A carriage return inside a line starts it again: of "10 %", "20 %" only the last is seen. Where
    the pieces say different things, the return was an old line end, and every piece stays.
    """
    if "\x08" in text:
        text = "\n".join(_strike_back(line) for line in text.split("\n"))
    if "\r" not in text:
        return text
    text = text.replace("\r\n", "\n")
    if "\n" not in text and not _STARTS.search(text) and not _is_progress(text.split("\r")):
        return text.replace("\r", "\n")
    return "\n".join(_last_shown(line) if "\r" in line else line for line in text.split("\n"))


def _strike_back(line: str) -> str:
    """Returns the line with each backspace taking the character before it."""
    if "\x08" not in line:
        return line
    shown: list[str] = []
    for character in line:
        if character != "\x08":
            shown.append(character)
        elif shown:
            shown.pop()
    return "".join(shown)


def _last_shown(line: str) -> str:
    kept: list[str] = []
    last = ""
    for piece in line.split("\r"):
        erases = _ERASES_LINE.match(piece) is not None
        skeleton = _skeleton(drop_sequences(piece))
        if kept and (erases or skeleton == last):
            kept.pop()
        if drop_sequences(piece).strip():
            kept.append(piece)
            last = skeleton
    return "\n".join(kept)


def _is_progress(pieces: list[str]) -> bool:
    skeletons = {_skeleton(piece) for piece in pieces if piece.strip()}
    return len(pieces) > 2 and len(skeletons) == 1


def _skeleton(piece: str) -> str:
    """Returns what stays the same of a line of progress while its numbers and bars change."""
    return _CHANGING.sub("", piece)
