"""Personal data that only its label gives away: a name, an address, a date of birth, a number."""

import re

from deployments.redaction.anchors import AnchoredRule

_JOINT = r"[\s\"'`*_|:=#.]{0,6}(?:(?:is|was|number|num|nr|no)\b[\s\"'`*_|:=#.]{1,4}){0,2}"
_NAME = r"[^\W\d_a-z][^\W\d_]*+(?:['\u2019-][^\W\d_]+)*+"
_FULL_NAME = (
    rf"(?:(?:Dr|Mr|Mrs|Ms|Prof)\. )?{_NAME}(?: (?:[A-Z]\. )?{_NAME}(?=[\s,.;:!?\"'<]|$)){{0,3}}"
)

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_DATE = (
    r"\d{1,4}[./\- ]\d{1,2}[./\- ]\d{1,4}"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH},? \d{{2,4}}"
    rf"|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? \d{{2,4}}"
)

_GREETED_BY_ROLE = frozenset(
    {"all", "team", "world", "there", "everyone", "sir", "madam", "reader", "friend", "friends"}
    | {"folks", "customer", "user", "guys", "python", "male", "female", "ray", "chatgpt"}
)
_NOT_A_NAME = frozenset({"not", "a", "an", "the", "on", "in", "of", "unknown", "very", "being"})


def _has_digit(value: str) -> bool:
    return any(map(str.isdigit, value))


def _is_called(value: str) -> bool:
    return value.split(None, 1)[0].lower() not in _NOT_A_NAME


def _is_greeted(value: str) -> bool:
    return value.lower() not in _GREETED_BY_ROLE


def _is_dialled(value: str) -> bool:
    return not value.endswith("0000") and not re.match(r"(?:19|20)\d\d[ /-](?:19|20)?\d\d$", value)


NUMBER_RULES = (
    AnchoredRule(
        "PHONE",
        (
            "phone",
            "tel",
            "mobile",
            "cell",
            "fax",
            "call",
            "whatsapp",
            "dial",
            "sms",
            "reach ",
            "my number",
        ),
        re.compile(
            r"(?i)(?<![a-z])(?:telephone|phone|tel|mobile|cellphone|cell|fax|call|whatsapp|dial"
            r"|sms|reach|my number)(?:_?(?:number|num|no))?[\s\"'`*_|:=#.]{0,6}"
            r"(?:(?:me|us|him|her|is|at|on|number|num|nr|no|line|to)\b[\s\"'`*_|:=#.]{1,4}){0,3}"
            r"(?P<value>(?<![\d.,])[+(]{0,2}\d(?:[ \u00a0.()/\u2010-\u2015-]{0,3}\d){6,14})(?!\w)"
        ),
        accepts=_is_dialled,
    ),
    AnchoredRule(
        "SSN",
        ("ssn", "social security"),
        re.compile(
            rf"(?i)(?<![a-z])(?:ssn|social security){_JOINT}"
            r"(?P<value>\d{3}[ .-]?\d\d[ .-]?\d{4})(?!\d)"
        ),
    ),
    AnchoredRule(
        "ACCOUNT",
        ("account", "acct", "sort code", "routing"),
        re.compile(
            rf"(?i)(?<![a-z])(?:account|acct|sort code|routing){_JOINT}"
            r"(?P<value>\d{6,18}|\d\d-\d\d-\d\d)(?!\w|\.\d)"
        ),
    ),
    AnchoredRule(
        "CARD",
        ("card",),
        re.compile(rf"(?i)card{_JOINT}(?P<value>\d(?:[ -]?\d){{11,18}})(?!\w)"),
    ),
)
"""Numbers of six digits and more."""

DIGIT_RULES = (
    AnchoredRule(
        "ID",
        ("passport", "licence", "license", "national id", "identity card", "tax id"),
        re.compile(
            r"(?i)(?<![a-z])(?:passport|licen[cs]e|national id|identity card|tax id)"
            rf"{_JOINT}(?P<value>[A-Z0-9-]{{6,20}})(?!\w)"
        ),
        accepts=lambda value: sum(map(str.isdigit, value)) >= 5,
    ),
    AnchoredRule(
        "CVV",
        ("cvv", "cvc", "security code"),
        re.compile(
            rf"(?i)(?<![a-z])(?:cvv2?|cvc2?|security code){_JOINT}(?P<value>\d{{3,4}})(?!\w)"
        ),
    ),
    AnchoredRule(
        "DOB",
        ("birth", "dob", "d.o.b", "i was born"),
        re.compile(
            r"(?i)(?<![a-z])(?:birth(?:day|[ _-]?date)?|dob|d\.o\.b|i was born)"
            rf"[\s\"'`*_|:=.]{{0,6}}(?:(?:is|was|on)\b[\s\"':]{{1,3}}){{0,2}}(?P<value>{_DATE})(?!\w)"
        ),
    ),
    AnchoredRule(
        "ADDRESS",
        (
            "i live at",
            "i reside at",
            "my address",
            "address",
            "ship to",
            "ship it to",
            "deliver to",
        ),
        re.compile(
            r"(?i:i (?:live|reside) at|my address|(?<=home )address|(?<=postal )address"
            r"|(?<=street )address|(?<=billing )address|(?<=shipping )address"
            r"|(?<![a-z])(?:ship|deliver)(?: it)? to)[\"'*_]{0,2}(?: is)?\s?[:=|]?\s?[\"'*_]{0,2}"
            r"(?P<value>(?:[^\n\"<>|;.]|(?<=St|Rd|Dr|No)\.|(?<=Ave|Apt)\.|\.(?=\S)){6,120}+)"
        ),
        accepts=_has_digit,
        trailing=" ,",
    ),
)
"""Values that have a digit."""

NAME_RULES = (
    AnchoredRule(
        "NAME",
        ("my name is", "my name's", "my full name is", "i am called"),
        re.compile(
            r"(?i:my (?:full )?name(?: is|'s)|i am called):? [\"']?"
            rf"(?P<value>{_FULL_NAME}|[a-z][a-z'-]{{1,30}})"
        ),
        accepts=_is_called,
        trailing=".",
    ),
    AnchoredRule(
        "NAME",
        ("full name", "first name", "last name", "surname", "patient name", "customer name"),
        re.compile(
            r"(?i:full name|first name|last name|surname|(?:patient|customer) name)"
            rf"[\"'*_]{{0,2}}\s?[:|=]\s?[\"'*_]{{0,2}}\s?(?P<value>{_FULL_NAME})"
        ),
        accepts=_is_called,
        trailing=".",
    ),
    AnchoredRule(
        "NAME",
        ("dear ", "hi ", "hello ", "hey "),
        re.compile(
            rf"(?<![^\"'>\n])(?i:dear|hi|hello|hey) (?:(?:Mr|Mrs|Ms|Dr|Prof)\.? )?"
            rf"(?P<value>{_NAME}\d*(?: {_NAME})?)(?=[,:.!])"
        ),
        accepts=_is_greeted,
    ),
)
"""Names. One without a label stays: no pattern tells it from other words with a capital."""
