"""Personal data in the questions of `semantic_router_safety`, by kind.

Written out by hand: the set's own labels name one type for a whole sentence.
"""

import re

PII_VALUES = {
    "EMAIL": ["Maud70@gmail.com", "Clifton73@hotmail.com", "Kassandra38@hotmail.com"],
    "PHONE": ["02353 064268"],
    "IMEI": ["25-003712-184466-5", "00-095230-368134-2"],
    "CARD": ["5834642487128594"],
    "IBAN": ["CY3000246006086K08ZC347S393B"],
    "SSN": ["117 44 7426"],
    "ID": ["75618627152"],
    "ACCOUNT": ["86940970"],
    "PASSWORD": ["5cFxfhNwJ2Eg"],
    "IP": ["140.252.141.168"],
    "MAC": ["0c:80:33:28:5d:47", "f4:45:f2:47:17:27", "ee:0b:62:33:8c:af", "50:b3:97:f6:46:6e"],
}


def is_written(value: str, content: bytes) -> bool:
    """Whether a value stands in bytes of a file, as itself.

    A number is not found inside a longer run of digits or hexadecimal letters: Ray's logs have a
    time of 19 digits and several ids in every line, and one in some hundred runs has any 8 of them.
    """
    if not value.isdecimal():
        return value.encode() in content
    return re.search(rb"(?<![0-9A-Fa-f])%b(?![0-9A-Fa-f])" % value.encode(), content) is not None
