"""In which encoding a text is: what it is read as, and when it is refused instead of guessed."""

import pytest

from deployments.contracts.errors import InvalidRequest
from deployments.indexer.formats.text.encodings import decode_text

SENTENCES = {
    "cp1255": ["הדואר מגיע לנמל בשעה שמונה בבוקר.", "נא לסגור את השער בערב"],
    "iso8859_8": ["המגדלור נבנה לפני מאה שנים"],
    "cp1256": ["يصل البريد إلى الميناء في الصباح.", "أغلق الباب من فضلك"],
    "big5": ["郵件早上八點到達港口。", "請把門關好"],
    "gb18030": ["邮件早上八点到达港口。", "请把大门关好"],
    "cp1254": [
        "Posta sabah sekizde limana gelir, lütfen kapıyı kapatın.",
        "Işıklar söndü, şişe boş.",
    ],
    "iso8859_9": ["Gemi limana öğleden sonra yanaşır, yolcular iner."],
    "iso8859_2": [
        "Poczta przychodzi do portu o ósmej, proszę zamknąć bramę.",
        "Loď připlouvá každé ráno.",
    ],
    "cp1250": [
        "Poczta przychodzi do portu o ósmej, proszę zamknąć bramę.",
        "Pošta přichází v osm hodin.",
    ],
    "koi8_r": ["Почта приходит в порт в восемь утра.", "Закройте ворота вечером"],
    "cp1251": ["Почта приходит в порт в восемь утра.", "Корабль ушёл", "ООО «Маяк», г. Выборг"],
    "cp866": ["Почта приходит в порт в восемь утра."],
    "iso8859_5": ["Почта приходит в порт в восемь утра."],
    "shift_jis": ["郵便は朝八時に港に届きます。", "USBケーブルを抜かないでください。"],
    "euc_jp": ["郵便は朝八時に港に届きます。"],
    "iso2022_jp": ["郵便は朝八時に港に届きます。"],
    "euc_kr": ["우편물은 아침 여덟 시에 항구에 도착합니다.", "문을 닫아 주세요"],
    "cp1253": ["Το πλοίο φτάνει το πρωί στο λιμάνι.", "Κλείστε την πόρτα"],
    "cp874": ["เรือมาถึงท่าเรือตอนเช้า"],
    "cp1257": ["Laivas atplaukia į uostą aštuntą valandą ryto."],
    "cp1252": [
        *("Die Fähre fährt früh, grüß schön.", "Le bateau arrive à huit heures, fermé l’été."),
        *("El niño llegó mañana.", "Båten går fra brygga på øya.", "Café", "£9 a day", "It’s late"),
        *("Maß: 15 µm", "3 Stück für 5 €", "„Möwe“ – ein Schiff"),
    ],
    "utf-16-le": ["Die Fähre fährt früh."],
    "utf-16-be": ["Почта приходит в порт"],
    "cp850": ["Die Fähre fährt früh über die Brücke."],
}


@pytest.mark.parametrize(
    ("encoding", "text"),
    [(encoding, text) for encoding, texts in SENTENCES.items() for text in texts],
)
def test_short_sentence_is_read_right_or_refused(encoding: str, text: str) -> None:
    try:
        decoded = decode_text(text.encode(encoding)).text
    except InvalidRequest as error:
        assert "known encoding" in error.message  # noqa: PT017
        assert encoding not in ("cp1252", "cp1251", "shift_jis", "gb18030", "cp1255", "cp1254")
    else:
        assert decoded == text


def test_letters_that_only_turkey_has_settle_what_the_detector_cannot() -> None:
    text = "Türkçe metin: ışık, şeker, ğ harfi ve İstanbul"
    assert decode_text(text.encode("cp1254")).text == text


@pytest.mark.parametrize("stray", [b"\xff", b"\xe9", b"\x80", b"\xc3"])
def test_stray_byte_costs_itself_alone(stray: bytes) -> None:
    before, after = "Smørbrød på øya, ", " og blåbær."
    decoded = decode_text(before.encode() + stray + after.encode())
    assert decoded.text == f"{before}\ufffd{after}"
    assert decoded.warnings == ("1 byte was no UTF-8 and cannot be read.",)


def test_stray_bytes_do_not_flip_other_scripts() -> None:
    text = "Корабль приходит утром. " * 4
    damaged = text[:30].encode() + b"\xff" + text[30:].encode()
    assert decode_text(damaged).text.count("\ufffd") == 1


@pytest.mark.parametrize("content", [b"\x7fELF\x02\x01\xff\xfe\x00" * 40, bytes(range(256)) * 9])
def test_bytes_that_are_no_text_are_refused(content: bytes) -> None:
    with pytest.raises(InvalidRequest, match="not text"):
        decode_text(content)


def test_declared_encoding_is_believed_only_where_it_reads_well() -> None:
    text = "Łódź żegna statek"
    assert decode_text(text.encode("cp1250"), declared="windows-1250").text == text
    cyrillic = "Почта приходит в порт в восемь утра."
    assert decode_text(cyrillic.encode("cp1251"), declared="iso-8859-1").text == cyrillic
