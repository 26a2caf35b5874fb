from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlproj.cli.table import Column, render_fields, render_table
from mlproj.cli.terminal import width_of

COLUMNS = (
    Column("ID"),
    Column("NAME", narrowest=6),
    Column("SIZE", right=True, dispensable=1),
    Column("NOTE", narrowest=4, dispensable=2),
)
ROWS = [["1", "a-long-name-of-a-run", "12 kB", "something long to say"], ["22", "b", "1.5 MB", ""]]


def test_a_table_without_a_limit_is_whole_and_aligned() -> None:
    assert render_table(COLUMNS, ROWS, None) == [
        "ID  NAME                    SIZE  NOTE",
        "1   a-long-name-of-a-run   12 kB  something long to say",
        "22  b                     1.5 MB",
    ]


def test_the_widest_column_gives_way_first() -> None:
    assert render_table(COLUMNS, ROWS, 40)[1] == "1   a-long-name-…   12 kB  something lo…"


def test_columns_that_can_be_spared_go_when_cutting_is_not_enough() -> None:
    assert render_table(COLUMNS, ROWS, 20)[0] == "ID  NAME        SIZE"
    assert render_table(COLUMNS, ROWS, 12)[0] == "ID  NAME"


def test_what_can_be_neither_cut_nor_spared_stays_whole() -> None:
    assert render_table((Column("ID"),), [["0123456789"]], 5) == ["ID", "0123456789"]


def test_a_cell_of_several_lines_stays_one_row() -> None:
    assert render_table((Column("A"),), [["x\n\ty"]], None) == ["A", "x y"]


def test_wide_characters_take_two_columns() -> None:
    lines = render_table((Column("A", narrowest=2), Column("B")), [["東京東京", "x"], ["e\u0301", "y"]], 10)

    assert lines == ["A        B", "東京東…  x", "e\u0301        y"]


@given(
    st.lists(st.lists(st.text(max_size=30), min_size=4, max_size=4), max_size=4),
    st.integers(min_value=20, max_value=100),
)
def test_a_table_never_leaves_its_room_as_long_as_its_fixed_columns_fit(rows: list[list[str]], width: int) -> None:
    columns = (
        Column("A", narrowest=4),
        Column("B", narrowest=4),
        Column("C", narrowest=4, dispensable=1),
        Column("D", dispensable=2),
    )

    assert all(width_of(line) <= width for line in render_table(columns, rows, width))


@pytest.mark.parametrize("fields", [{}, []])
def test_no_fields_are_no_lines(fields: dict[str, str]) -> None:
    assert render_fields(fields) == []


def test_further_lines_of_a_value_stand_under_its_first() -> None:
    assert render_fields({"a": "one\ntwo", "long": ""}, indent=2) == ["  a     one", "        two", "  long"]


def test_values_stay_in_their_column_on_a_narrow_terminal() -> None:
    fields = {"command": "python train.py --alpha 0.5\necho done", "uri": "s3://" + "x" * 30, "n": "5"}
    assert render_fields(fields, indent=2, width=30) == [
        "  command  python train.py",
        "           --alpha 0.5",
        "           echo done",
        "  uri      s3://xxxxxxxxxxxxxx",
        "           xxxxxxxxxxxxxxxx",
        "  n        5",
    ]


def test_a_name_that_is_longer_than_others_by_far_has_its_value_below() -> None:
    lines = render_fields({"a_name_that_is_much_longer_than_half_of_the_line": "x", "short": "y"}, width=60)
    assert lines == ["a_name_that_is_much_longer_than_half_of_the_line", "       x", "short  y"]
    assert render_fields({"n" * 50: "x", "short": "y"}) == ["n" * 50, "       x", "short  y"]


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=60),
        st.text("ab \t\n值é"),
        max_size=4,
    ),
    st.integers(30, 120),
)
def test_no_word_is_lost_and_values_are_aligned_whatever_the_width(fields: dict[str, str], width: int) -> None:
    lines = render_fields(fields, width=width)
    assert "".join("".join(lines).split()) == "".join("".join([name + value for name, value in fields.items()]).split())
    assert all(width_of(line) <= width for line in lines if line not in fields)
