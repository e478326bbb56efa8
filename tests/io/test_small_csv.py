"""Small CSV texts are read without pandas, with the same result."""

from io import StringIO

import pandas
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ragbench.io.tables import csv_columns, regular_columns

CELLS = st.one_of(
    st.text(alphabet=" ,;\t|\n\"'ab0.é\x1c\x85\u2028", max_size=6),
    st.sampled_from(["", "007", "NA", "1e5", "a,b", '"', '""', "\n", " x ", "line\nbreak"]),
)
TEXTS = st.one_of(
    st.text(alphabet=' ,"\nab\r\0\x1c', max_size=40).map(lambda text: f"id,text\n{text}"),
    st.lists(st.lists(CELLS, min_size=2, max_size=3), min_size=1, max_size=6).map(
        lambda rows: "\n".join(",".join('"' + c.replace('"', '""') + '"' if set(c) & set(',\n"') else c for c in row)
                               for row in rows)
    ),
)  # fmt: skip


@settings(max_examples=1500, deadline=None)
@given(text=TEXTS)
@example("a,b\n\n  \n1,2\n")
@example("a,b\n 1, 2 \n")
@example('a,b\n1,"x""y"\n')
@example("\n\na,b\n1,2")
@example("a,b\n1,2\n  \n")
@example("a,b\n'1,2'\n")
@example('a,b\n1,x"y\n')
@example(" ,b\n1,2\n")
def test_a_regular_table_is_what_pandas_reads(text: str) -> None:
    found = regular_columns(text, ",")
    if found is not None:
        table = pandas.read_csv(StringIO(text), sep=",", dtype=str, keep_default_na=False, na_filter=False)
        assert isinstance(table.index, pandas.RangeIndex)
        assert found == {str(column): table[column].tolist() for column in table.columns}


@pytest.mark.parametrize("text", ["a,b\n1\n", "a,a\n1,2\n", "a,\n1,2\n", 'a,b\n1,"x\n', 'a,b\n1,"x"y\n', "a\n1\n", ""])
def test_an_irregular_table_is_left_to_pandas(text: str) -> None:
    assert regular_columns(text, ",") is None


def test_a_regular_table_by_hand() -> None:
    assert csv_columns('id,text\n007,"a, b"\n\n8,\n', "x.csv", ",") == {"id": ["007", "8"], "text": ["a, b", ""]}
