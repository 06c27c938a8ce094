"""Keys, tokens and passwords: by their issuer's prefix or by the label before them."""

import re

from deployments.redaction.anchors import AnchoredRule

_START = r"(?<![A-Za-z0-9])"

_PREFIXED = {
    "sk-": r"[A-Za-z0-9_-]{16,512}",  # OpenAI, Anthropic, OpenRouter and many that follow them
    "sk_live_": r"[A-Za-z0-9]{10,256}",  # Stripe
    "sk_test_": r"[A-Za-z0-9]{10,256}",
    "rk_live_": r"[A-Za-z0-9]{10,256}",
    "rk_test_": r"[A-Za-z0-9]{10,256}",
    "whsec_": r"[A-Za-z0-9+/=]{16,256}",
    "ghp_": r"[A-Za-z0-9]{20,256}",  # GitHub
    "gho_": r"[A-Za-z0-9]{20,256}",
    "ghu_": r"[A-Za-z0-9]{20,256}",
    "ghs_": r"[A-Za-z0-9]{20,256}",
    "ghr_": r"[A-Za-z0-9]{20,256}",
    "github_pat_": r"[A-Za-z0-9_]{20,256}",
    "glpat-": r"[A-Za-z0-9_.-]{16,256}",  # GitLab
    "AKIA": r"[A-Z0-9]{12,32}",  # Amazon
    "ASIA": r"[A-Z0-9]{16,32}",
    "xox": r"[a-z]-[A-Za-z0-9-]{10,256}",  # Slack
    "hooks.slack.com/services/": r"[A-Za-z0-9/]{20,256}",
    "xapp-": r"[A-Za-z0-9-]{10,256}",
    "AIza": r"[A-Za-z0-9_-]{30,256}",  # Google
    "ya29.": r"[A-Za-z0-9_-]{20,2048}",
    "GOCSPX-": r"[A-Za-z0-9_-]{20,128}",
    "hf_": r"[A-Za-z0-9]{20,256}",  # Hugging Face
    "npm_": r"[A-Za-z0-9]{30,256}",
    "pypi-": r"[A-Za-z0-9_-]{40,512}",
    "SG.": r"[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,128}",  # SendGrid
    "gsk_": r"[A-Za-z0-9]{20,256}",  # Groq
    "nvapi-": r"[A-Za-z0-9_-]{20,256}",  # NVIDIA
    "xai-": r"[A-Za-z0-9]{20,256}",
    "pplx-": r"[A-Za-z0-9]{20,256}",
    "dop_v1_": r"[a-f0-9]{32,128}",  # DigitalOcean
    "shpat_": r"[a-fA-F0-9]{20,128}",  # Shopify
    "dapi": r"[a-f0-9]{32}(?:-\d)?",  # Databricks
    "hvs.": r"[A-Za-z0-9_-]{20,512}",  # HashiCorp Vault
    "dckr_pat_": r"[A-Za-z0-9_-]{20,256}",
    "AccountKey=": r"[A-Za-z0-9+/]{40,256}={0,2}",  # Azure
}


def _has_digit(value: str) -> bool:
    return any(map(str.isdigit, value))


def _mixes_letters_and_digits(value: str) -> bool:
    return _has_digit(value) and any(map(str.isalpha, value)) and "://" not in value


_NO_SECRETS = re.compile(
    r"(?i)your[ _-]|<|\$|\{|%\(|\*{3}|x{4}|\.{3}|(?:string|secret|password|passwd|token|required"
    r"|optional|none|null|true|false|bearer|basic|hidden|bytes|value|text|field|example|changeme"
    r"|redacted|placeholder)\W*$"
)


def _is_quoted_password(value: str) -> bool:
    return not _NO_SECRETS.match(value)


def _is_quoted_secret(value: str) -> bool:
    return len(value) >= 8 and _is_bare_secret(value) and " " not in value


def _is_bare_secret(value: str) -> bool:
    return (
        _mixes_letters_and_digits(value)
        and not _NO_SECRETS.match(value)
        and not value.startswith(("/", "./", "~"))
    )


# Between a label and its value: the rest of the label's word, quotes, and what assigns.
_ASSIGNS = (
    r"[\w-]{0,24}[\"'`*_\]\\]{0,4}"
    r"(?:(?: (?:for|of|to) [\w@.-]{1,40})? (?:is now|was|is)(?: set to)?\b[ :]{0,2}"
    r"|\s{0,3}(?:=>|:=|[:=|])[*_]{0,2})\s{0,3}"
)
_QUOTED = r"[bru]?(?P<quote>\\?[\"'`])(?P<value>[^\"'`\n\\]{4,512}+)(?P=quote)"
_BARE = r"(?P<value>[^\s\"'`,;<>|()\[\]{}\\]{6,512}+)(?![(\[{])"

_PASSWORD_WORDS = ("password", "passwd", "passphrase", "passcode", "pwd")
_SECRET_WORDS = (
    "secret",
    "token",
    *(
        f"{word}{joint}key"
        for word in ("api", "access", "private")
        for joint in ("_", "-", " ", "")
    ),
    "auth_key",
    "credential",
    "authorization",
)
_PASSWORD = "(?i:password|passwd|passphrase|passcode|pwd)"
_SECRET = "(?i:secret|token|(?:api|access|private|auth)[ _-]?key|credential|authorization)"

PREFIXED_KEY_RULES = (
    AnchoredRule(
        "KEY",
        tuple(_PREFIXED),
        re.compile(
            rf"{_START}(?P<value>"
            + "|".join(re.escape(prefix) + body for prefix, body in _PREFIXED.items())
            + ")"
        ),
        accepts=_has_digit,
        ignore_case=False,
    ),
)
"""Keys that their issuer's prefix gives away; all of them are long words with a digit."""

CREDENTIAL_RULES = (
    AnchoredRule(  # a JSON Web Token, also one that was cut
        "KEY",
        ("eyJ",),
        re.compile(r"(?<![\w-])(?P<value>eyJ[\w-]{8,8192}+(?:\.[\w-]{0,8192}+){1,4})"),
        ignore_case=False,
    ),
    AnchoredRule(
        "KEY",
        ("-----BEGIN ",),
        re.compile(
            r"(?P<value>-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
            r"(?:[^-]*+(?:-(?!----)[^-]*+)*+-----END [A-Z0-9 ]{0,48}-----"
            r"|(?:\s{0,4}[A-Za-z0-9+/=\\]{16,}+){0,1024}))"
        ),
        ignore_case=False,
    ),
    AnchoredRule(
        "KEY",
        ("bearer ", "basic "),
        re.compile(r"(?i:bearer|basic) {1,3}(?P<value>[A-Za-z0-9._~+/-]{12,4096}+=*+)"),
        accepts=_has_digit,
        trailing=".",
    ),
    AnchoredRule(
        "CREDENTIALS",
        ("://",),
        re.compile(
            r"://(?P<value>[^\s/@:<>\"'`]{0,128}+:[^\s/<>\"'`]{1,256}(?=@)"
            r"|[^\s/@:<>\"'`]{16,256}+(?=@))"
        ),
        accepts=lambda value: not value.startswith(("<", "{", "$")),
    ),
    AnchoredRule(
        "PASSWORD",
        _PASSWORD_WORDS,
        re.compile(rf"{_PASSWORD}{_ASSIGNS}{_QUOTED}"),
        accepts=_is_quoted_password,
    ),
    AnchoredRule(
        "PASSWORD",
        _PASSWORD_WORDS,
        re.compile(rf"{_PASSWORD}{_ASSIGNS}{_BARE}"),
        accepts=_is_bare_secret,
        trailing=".,:",
    ),
    AnchoredRule(  # a line of its own, as people paste it; a plain word elsewhere is prose or code
        "PASSWORD",
        _PASSWORD_WORDS,
        re.compile(rf"{_PASSWORD}[ \t]{{0,2}}[:=][ \t]{{0,2}}(?P<value>[a-z]{{6,64}}+)(?![^\r\n])"),
        accepts=_is_quoted_password,
    ),
    AnchoredRule(
        "PASSWORD",
        ("pw:", "pw=", "pw :", "pw ="),
        re.compile(r"(?i)(?<![a-z0-9])pw ?[:=] ?(?P<value>[^\s\"'`,;<>|()\[\]{}\\]{4,512}+)"),
        accepts=_is_quoted_password,
        trailing=".,:",
    ),
    AnchoredRule(
        "PASSWORD",
        ("PIN ",),
        re.compile(r"(?<![A-Za-z])PIN (?P<value>\d{4,8})(?!\w)"),
        ignore_case=False,
    ),
    AnchoredRule(
        "PASSWORD",
        ("pin",),
        re.compile(
            r"(?i)(?<![a-z])pin(?: ?code| number)?[\"']?(?: is|\s?[:=])\s?(?P<value>\d{4,8})(?!\w)"
        ),
    ),
    AnchoredRule(
        "KEY",
        _SECRET_WORDS,
        re.compile(rf"{_SECRET}{_ASSIGNS}{_QUOTED}"),
        accepts=_is_quoted_secret,
    ),
    AnchoredRule(
        "KEY",
        _SECRET_WORDS,
        re.compile(rf"{_SECRET}{_ASSIGNS}{_BARE}"),
        accepts=lambda value: len(value) >= 8 and _is_bare_secret(value),
        trailing=".,:",
    ),
)
"""Passwords and keys. Each rule asks for a shape that prose and code do not have by accident."""
