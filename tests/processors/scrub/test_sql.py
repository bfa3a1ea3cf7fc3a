"""Which parts of a statement are literals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.scrub.sql import literals


def clean(statement):
    raw, pieces, end = statement.encode(), [], 0
    for start, stop, kind in literals(raw):
        assert kind == "sql"
        pieces += [raw[end:start], b"?"]
        end = stop
    return b"".join([*pieces, raw[end:]]).decode()


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("SELECT * FROM t WHERE a = 'x' AND b = 12", "SELECT * FROM t WHERE a = ? AND b = ?"),
        ("a = 'it''s' AND b='' OR c = 1.5e-3", "a = ? AND b=? OR c = ?"),
        ("a = 'it\\'s' AND b = 'c' AND d", "a = ? AND d"),
        ("a = 'cut off", "a = ?"),
        ("x = 0xFF, y = X'ff', z = E'a\\n', n = N'ü', u = U&'x', c = _utf8'x'", "x = ?, y = ?, z = ?, n = ?, u = ?, c = ?"),
        ("VALUES (1, -2, +3.5), ('a', .5)", "VALUES (?, ?, ?), (?, ?)"),
        ("a - 5 > -5", "a - ? > ?"),
        ("SELECT $1, :name, @p1, ?1, %s, %(key)s, t1.c2, `5x`, [a b]", None),
        ("SELECT $$it's$$, $tag$x $$ 'y'$tag$, z", "SELECT ?, ?, z"),
        ("SELECT $$cut off 'x'", "SELECT ?"),
        ("SELECT a -- it's 5\nFROM b /* 'x' 6 */ WHERE c = 7", "SELECT a -- it's 5\nFROM b /* 'x' 6 */ WHERE c = ?"),
        ("SELECT a # it's 5\nFROM b WHERE c = 'x' AND d", "SELECT a ? AND d"),
        ('SELECT a # 6" wide\nFROM b WHERE c = "x" AND d = 5', "SELECT a ? AND d = ?"),
        ("SELECT a # a ` b\nFROM b WHERE c = 'x' AND `d`", "SELECT a ?"),
        ("SELECT a #>> '{b}' # it's o'clock\nWHERE c = 'x'", "SELECT a #>> ? # it?clock\nWHERE c = ?"),
        ('SELECT "id", "a b" FROM "users" u WHERE "u"."x" = "y"."z"', None),
        ('WHERE name = "bob" AND x LIKE "%b" AND y != "a b"', "WHERE name = ? AND x LIKE ? AND y != ?"),
        ('WHERE name IN ("bob", "eve") AND "x" IN (SELECT "id" FROM "t")', 'WHERE name IN (?, ?) AND "x" IN (SELECT "id" FROM "t")'),
        ('INSERT INTO t ("a", "b") VALUES ("x", f("y")), ("z")', 'INSERT INTO t ("a", "b") VALUES (?, f(?)), (?)'),
        ('SELECT "a@b.c"', "SELECT ?"),
        ("x = ARRAY[1, 'a']", "x = ARRAY[?, ?]"),
        ("x IS NULL AND y IS TRUE", None),
        ("größe = 5", "größe = ?"),
        ("", None),
    ],
)  # fmt: skip
def test_literals(statement, expected):
    assert (statement if expected is None else expected) == clean(statement)


@given(st.lists(st.text("ab'\" ", max_size=6), max_size=4))
def test_no_text_in_standard_quotes_is_left(values):
    quoted = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
    assert f"VALUES ({', '.join('?' * len(values))})" == clean(f"VALUES ({quoted})")


@given(st.text("a1'\"\\#$-/*`[](), =;", max_size=40))
def test_any_text_is_gone_through(statement):
    end = 0
    for start, stop, _ in literals(statement.encode()):
        assert end <= start < stop <= len(statement)
        end = stop
