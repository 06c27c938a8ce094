"""Which sign separates the cells of a table, what its quotes mean, and which row names them."""

import pytest

from tests.unit.deployments.indexer.files import read_one, read_text


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_the_sign_that_lines_share(delimiter: str) -> None:
    lines = [["Crew", "Shift, day", "Pay"], ["Ada", "late; wet", "1.5"], ["Bo", "early", "2.5"]]
    quoted = [
        [f'"{cell}"' if "," in cell or ";" in cell else cell for cell in line] for line in lines
    ]
    text = "\n".join(delimiter.join(line) for line in quoted)
    assert read_text("a.csv", text).split("\n\n")[0] == "Crew: Ada\nShift, day: late; wet\nPay: 1.5"


def test_decimal_commas_do_not_hide_semicolons() -> None:
    assert read_text("a.csv", "kg;price\n1,5;2,25\n3,5;4,75\n").startswith("kg: 1,5\nprice: 2,25")


@pytest.mark.parametrize("line", ["sep=|", '"sep=|"', "SEP=|"])
def test_line_that_names_the_separator_is_no_row(line: str) -> None:
    assert read_text("a.csv", f"{line}\r\nBay|Ship\r\n4|Fram\r\n") == "Bay: 4\nShip: Fram"


@pytest.mark.parametrize(
    "above",
    [
        "Fleet register,,\n",
        "Fleet register\n\n",
        "As of:,2031-02-03,\n",
        "Fleet,,\nSecond half,,\n",
    ],
)
def test_titles_above_the_table_are_kept_and_name_no_column(above: str) -> None:
    table = "Ship,Port,Crew\nFram,Oslo,13\nGjoa,Bergen,7\n"
    pieces = read_text("a.csv", above + table).split("\n\n")
    assert pieces[-2:] == ["Ship: Fram\nPort: Oslo\nCrew: 13", "Ship: Gjoa\nPort: Bergen\nCrew: 7"]
    assert above.split(",")[0].split("\n")[0].rstrip(":") in pieces[0]


def test_header_with_an_empty_name_stays_the_header() -> None:
    assert read_text("a.csv", ",x,y\n0,4,5\n1,6,7\n").startswith("column 1: 0\nx: 4\ny: 5")


def test_quote_in_a_tab_separated_file_is_a_sign() -> None:
    text = 'hose\tbore\tshelf\nred\t"3/4 inch\tC1\nblue\t1 inch\tC2\ngrey\t"5/8 inch\tC3\n'
    assert [piece.split("\n")[1] for piece in read_text("a.tsv", text).split("\n\n")] == [
        'bore: "3/4 inch',
        "bore: 1 inch",
        'bore: "5/8 inch',
    ]


def test_cell_that_is_quoted_as_a_whole_loses_its_quotes() -> None:
    assert read_text("a.tsv", 'a\tb\n"x, ""y"""\tz\n') == 'a: x, "y"\nb: z'


def test_quotes_that_match_nothing_swallow_no_rows() -> None:
    document = read_one("a.csv", 'pipe,bin\n"9 inch,D1\n8 inch,D2\n"7 inch,D3\n')
    assert document.parts[0].text.split("\n\n")[1] == "pipe: 8 inch\nbin: D2"
    assert document.warnings == ("Quotes in the table do not match: they were read as text.",)


def test_cell_may_be_as_long_as_a_document() -> None:
    text = read_text("a.csv", f"id,log\n7,{'gull ' * 50_000}\n8,short plover\n")
    assert text.endswith("id: 8\nlog: short plover")
    assert text.count("gull") == 50_000


def test_column_that_begins_with_a_number_sign_is_no_heading() -> None:
    document = read_one("a.csv", "Barn,# of cows\nNorth,12\n")
    assert (document.markup, document.parts[0].text) == ("plain", "Barn: North\n# of cows: 12")


def test_table_below_an_empty_row_has_names_of_its_own() -> None:
    text = "Ship,Crew\nFram,13\n\nPort,Berths\nOslo,40\n\nGjoa,7\n"
    assert read_text("a.csv", text).split("\n\n") == [
        "Ship: Fram\nCrew: 13",
        "Port: Oslo\nBerths: 40",
        "Port: Gjoa\nBerths: 7",
    ]


@pytest.mark.parametrize("above", ["# made by Ada, on Monday\n", "Owner,Ada\nState,draft\n\n"])
def test_notes_above_the_table_name_no_column(above: str) -> None:
    text = read_text("a.csv", f"{above}Ship,Port,Crew\nFram,Oslo,13\nGjoa,Bergen,7\n")
    assert text.endswith("Ship: Fram\nPort: Oslo\nCrew: 13\n\nShip: Gjoa\nPort: Bergen\nCrew: 7")


@pytest.mark.parametrize(
    ("table", "first"),
    [
        ("2031-02-03,13\n2031-02-04,7\n", "column 1: 2031-02-03\ncolumn 2: 13"),
        ("Fram,13,1.5\nGjoa,7,2.5\nMaud,9,3.0\n", "column 1: Fram\ncolumn 2: 13\ncolumn 3: 1.5"),
        (
            "10.0.0.1,200,GET\n10.0.0.2,404,PUT\n",
            "column 1: 10.0.0.1\ncolumn 2: 200\ncolumn 3: GET",
        ),
    ],
)
def test_row_like_those_below_it_names_no_column(table: str, first: str) -> None:
    assert read_text("a.csv", table).split("\n\n")[0] == first


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("Ship,2030,2031", "Fram,13,14"),
        ("Ship,2031", "Fram,2012"),
        ("Dose,10,20,50", "A,1,2,3"),
        ("Ship,1,2", "Fram,5,6"),
        ("Ship,30 days,60 days", "Fram,5,6"),
        ("Ship,Crew", "Fram,13"),
        ("Ship,Port", "Fram,Oslo"),
    ],
)
def test_numbers_that_name_columns_stay_names(header: str, row: str) -> None:
    named = zip(header.split(","), row.split(","), strict=True)
    expected = "\n".join(f"{name}: {value}" for name, value in named)
    assert read_text("a.csv", f"{header}\n{row}\n{row}\n").split("\n\n")[0] == expected


@pytest.mark.parametrize(
    ("header", "record"),
    [
        ("Pier,Depth,\n,ebb,flood", "Pier: A\nDepth ebb: 4\nDepth flood: 7"),
        ("Pier,Depth,\n,2031,2032", "Pier: A\nDepth 2031: 4\nDepth 2032: 7"),
        ("Pier,Depth,\n,3,note", "Pier: A\nDepth: 4\ncolumn 3: 7"),
        ("Pier,Depth,\nC,low,foul", "Pier: A\nDepth: 4\ncolumn 3: 7"),
    ],
)
def test_name_over_several_columns_goes_on_below(header: str, record: str) -> None:
    assert read_text("a.csv", f"{header}\nA,4,7\nB,5,8\n").split("\n\n")[-2] == record


def test_two_groups_may_have_the_same_names_below() -> None:
    table = "Pier,Depth,,Width,\n,ebb,flood,ebb,flood\nA,4,7,1,2\nB,5,8,3,4\n"
    record = "Pier: A\nDepth ebb: 4\nDepth flood: 7\nWidth ebb: 1\nWidth flood: 2"
    assert read_text("a.csv", table).split("\n\n")[0] == record


@pytest.mark.parametrize(
    ("table", "record"),
    [
        ("pier,note\n1,'deep, wide'\n2,'low'\n", "pier: 1\nnote: deep, wide"),
        ("pier,note\n1,'it''s, well, deep'\n2,'low'\n", "pier: 1\nnote: it's, well, deep"),
        ("pier,note\n1,'0417\n2,'0418\n", "pier: 1\nnote: '0417"),
        ("pier,note\n1,'tis deep\n2,'low'\n", "pier: 1\nnote: 'tis deep"),
    ],
)
def test_apostrophes_quote_where_all_cells_that_begin_with_one_end_with_one(
    table: str, record: str
) -> None:
    assert read_text("a.csv", table).split("\n\n")[0] == record
