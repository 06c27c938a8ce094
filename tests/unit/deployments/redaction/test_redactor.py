"""What is taken out of a text, and what is not."""

import pytest

from deployments.redaction.redactor import Redactor

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"
PEM = (
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7f\nq9x+1/Zz==\n-----END RSA PRIVATE KEY-----"
)

TAKEN = [
    ("EMAIL", "ann@example.org"),
    ("EMAIL", "Ann.O'Hara+rag_1@mail.example.co.uk"),
    ("EMAIL", "customer/department=shipping@example.com"),
    ("EMAIL", "!def!xyz%abc@example.com"),
    ("EMAIL", '"john doe"@example.com'),
    ("EMAIL", "jörg@bücher.example"),
    ("EMAIL", "почта@пример.рф"),
    ("EMAIL", "संपर्क@डाटामेल.भारत"),
    ("EMAIL", "root@[192.168.10.7]"),
    ("EMAIL", "ann%40example.org"),
    ("PHONE", "+49 30 901820"),
    ("PHONE", "+442079460958"),
    ("PHONE", "+1 (415) 555-2671"),
    ("PHONE", "+33 (0)1 23 45 67 89"),
    ("PHONE", "0049 30 901820"),
    ("PHONE", "0049301234567"),
    ("PHONE", "017612345678"),
    ("PHONE", "(415) 555-2671"),
    ("PHONE", "415-555-2671 x123"),
    ("PHONE", "415.555.2671"),
    ("PHONE", "4155552671"),
    ("PHONE", "020 7946 0958"),
    ("PHONE", "02353 064268"),
    ("PHONE", "06 12 34 56 78"),
    ("PHONE", "0171/1234567"),
    ("PHONE", "07700900123"),
    ("PHONE", "98765 43210"),
    ("CARD", "4242424242424242"),
    ("CARD", "4242 4242 4242 4242"),
    ("CARD", "5555-5555-5555-4444"),
    ("CARD", "3782 822463 10005"),
    ("CARD", "378282246310005"),
    ("CARD", "6304 0000 0000 0000 000"),
    ("CARD", "4242\u00a04242\u00a04242\u00a04242"),
    ("IBAN", "DE89370400440532013000"),
    ("IBAN", "GB82 WEST 1234 5698 7654 32"),
    ("IBAN", "gb82west12345698765432"),
    ("SSN", "117-44-7426"),
    ("SSN", "117 44 7426"),
    ("ID", "756.9217.0769.85"),
    ("ID", "12345678Z"),
    ("ID", "X1234567L"),
    ("ID", "RSSMRA85T10A562S"),
    ("ID", "11010519491231002X"),
    ("ID", "111.444.777-35"),
    ("ID", "2 69 05 49 588 157 80"),
    ("ID", "AB 12 34 56 C"),
    ("ID", "44051401359"),
    ("IMEI", "25-003712-184466-5"),
    ("IP", "140.252.141.168"),
    ("IP", "2001:db8::8a2e:370:7334"),
    ("IP", "fe80::1ff:fe23:4567:890a"),
    ("MAC", "0c:80:33:28:5d:47"),
    ("KEY", "sk-proj-a8F2kL0pQ9zX7vB3nM5t"),
    ("KEY", "sk-ant-api03-a8F2kL0pQ9zX7vB3"),
    ("KEY", "ghp_16C7e42F292c6912E7710c838347Ae178B4a"),
    ("KEY", "AKIAIOSFODNN7EXAMPLE"),
    ("KEY", "xoxb-17653672481-19874698323"),
    ("KEY", "AIzaSyDaGmWKa4JsXZ-HjGw7ISLn_3namBGewQe"),
    ("KEY", JWT),
    ("KEY", PEM),
]


@pytest.mark.parametrize(("kind", "value"), TAKEN, ids=[f"{k}-{v[:18]}" for k, v in TAKEN])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("Please use ", " from now on."),
        ('{"note": "', '", "n": 1}'),
        ("note: ", "\nnext: 2"),
        ("| a | ", " | b |"),
        ("It is **", "**."),
        ("f('", "')"),
    ],
    ids=["alone", "prose", "json", "yaml", "table", "markdown", "code"],
)
def test_value_becomes_its_placeholder(kind: str, value: str, before: str, after: str) -> None:
    assert Redactor().redact(before + value + after) == f"{before}<{kind}_1>{after}"


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("mailto:ann@example.org?subject=a", "mailto:<EMAIL_1>?subject=a"),
        ("https://x.example/?email=ann@example.org", "https://x.example/?email=<EMAIL_1>"),
        ("Authorization: Bearer a8F2kL0pQ9zX7vB3", "Authorization: Bearer <KEY_1>"),
        ("curl -u x https://ann:hunter2@host/a", "curl -u x https://<CREDENTIALS_1>@host/a"),
        ("redis://:pa55@cache:6379/0", "redis://<CREDENTIALS_1>@cache:6379/0"),
        ("password: hunterhunter\nnext", "password: <PASSWORD_1>\nnext"),
        ('{"password": "correct horse"}', '{"password": "<PASSWORD_1>"}'),
        ("Your password is 5cFxfhNwJ2Eg.", "Your password is <PASSWORD_1>."),
        ("DB_PASSWORD=s3cr3t!x", "DB_PASSWORD=<PASSWORD_1>"),
        ("export OPENAI_API_KEY=a8F2kL0pQ9zX", "export OPENAI_API_KEY=<KEY_1>"),
        ("api_key = 'a8F2kL0pQ9zX'", "api_key = '<KEY_1>'"),
        ("client_secret: a8F2kL0pQ9zX", "client_secret: <KEY_1>"),
        ("my pin is 4711", "my pin is <PASSWORD_1>"),
        ("cvv: 123", "cvv: <CVV_1>"),
        ("SSN 078051120", "SSN <SSN_1>"),
        ("call me at 555-0199 now", "call me at <PHONE_1> now"),
        ("phone: 22 33 44 55", "phone: <PHONE_1>"),
        ("account number: 86940970", "account number: <ACCOUNT_1>"),
        ("passport no. C01X00T478", "passport no. <ID_1>"),
        ("date of birth: 1980-02-03", "date of birth: <DOB_1>"),
        ('"dob": "3 March 1980"', '"dob": "<DOB_1>"'),
        ("I was born on May 4, 1977.", "I was born on <DOB_1>."),
        ("My name is Ann B. Miller and I ask", "My name is <NAME_1> and I ask"),
        ("my name is ann. Hello", "my name is <NAME_1>. Hello"),
        ("My name is Dr. Ann Miller", "My name is <NAME_1>"),
        ("my number is 901820334", "my number is <PHONE_1>"),
        ("the password for ann is Secret99", "the password for ann is <PASSWORD_1>"),
        (r"{'a': 'x\n4242424242424242\tann@example.org'}", r"{'a': 'x\n<CARD_1>\t<EMAIL_1>'}"),
        ("Dear Rene, the bill", "Dear <NAME_1>, the bill"),
        ("I live at 12 St. James St., Bath. Thanks", "I live at <ADDRESS_1>. Thanks"),
        ("Order 12 4242 4242 4242 4242 12/27", "Order 12 <CARD_1> 12/27"),
    ],
)
def test_label_or_place_gives_a_value_away(text: str, redacted: str) -> None:
    assert Redactor().redact(text) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "In 1998 2004 and 2012-2015 there were 12,345,678 people.",
        "Version 1.2.3 and 10.4.0.2-rc1, v1.2.3.4, package==5.7.0.1",
        "It costs $1,299.00 or 4155552671.50 or $4155552671",
        "2024-01-31T12:34:56.789012Z and 31.01.2024 12:30",
        "Epoch 1700000000, in ms 1700000000123, in ns 1700000000123456789",
        "memory: 4294967296, 2147483647, 34359738368, 8000000000",
        "line 123456 of 7654321, see pages 123-1234",
        "550e8400-e29b-41d4-a716-446655440000",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "@app.get('/') and @pytest.mark.anyio; git@github.com:org/repo.git",
        "std::vector<int> a; x[1::2]; ab::cd; 127.0.0.1, 0.0.0.0, ::1",
        "def login(password: str, token: Annotated[str, Depends(get_token)]): ...",
        "password = get_password(); secret = os.environ['SECRET']; password=$PASSWORD",
        "the password is required; api_key=<your-key>; token: {{ token }}",
        "A risk-based task-oriented disk-cache-with-a-long-name",
        "My name is not important. Hello World! Dear all,",
        "ISBN 978-0-306-40615-7, doi:10.1016/0092-8674(92)90520-0, arXiv:1706.03762",
        "SR141716A and GB33 and the DE89 road",
        "DE89370400440532013001X 000-12-3456 666-12-3456 123-00-4567",
        "4242424242424241242 0.4242424242424242",
        "curl -F files=@handbook.pdf http://{self.user}:{self.password}@host",
        "from 01/2000 - 12/2006, the relationship to 3 others",
        "call 1000000 times; a cell of 2000-2001",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert Redactor().redact(text) == text


def test_equal_values_share_a_number() -> None:
    text = "a@x.org, b@x.org, A@X.org; +49 30 901820 or +49-30-901820"
    assert Redactor().redact(text) == "<EMAIL_1>, <EMAIL_2>, <EMAIL_1>; <PHONE_1> or <PHONE_1>"


def test_numbers_go_on_after_those_already_there() -> None:
    assert Redactor().redact("<EMAIL_3> and b@x.org") == "<EMAIL_3> and <EMAIL_4>"


def test_placeholder_does_not_hide_a_card() -> None:
    assert Redactor().redact("<EMAIL_4242424242424242>") == "<EMAIL_<CARD_1>>"


def test_network_addresses_can_be_kept() -> None:
    text = "140.252.141.168 0c:80:33:28:5d:47 2001:db8::8a2e:370:7334 a@x.org"
    redacted = Redactor(network_addresses=False).redact(text)
    assert redacted == text.replace("a@x.org", "<EMAIL_1>")
