import pytest

from collector.api import StartError
from collector.processing.user_code import describe, load, location


def test_a_file_is_run_anew_each_time(tmp_path):
    """Also when it changed so soon that its time of change and its size are the same."""
    path = tmp_path / "mine.py"
    for value in (1, 2):
        path.write_text(f"x = {value}")
        assert value == load(path).x
    assert [path] == list(tmp_path.iterdir())


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(StartError, match="cannot be read: Is a directory"):
        load(tmp_path)


def test_other_encodings_are_read_as_they_say(tmp_path):
    (tmp_path / "mine.py").write_bytes("# coding: latin-1\nx = 'é'".encode("latin-1"))
    assert "é" == load(tmp_path / "mine.py").x


def test_an_error_is_placed_in_the_file_it_came_through(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("import json\n\ndef parse():\n    json.loads('{')\n")
    with pytest.raises(ValueError) as raised:
        load(path).parse()
    assert f"{path}:4" == location(raised.value, path)
    assert "json.decoder.JSONDecodeError: Expecting property name" in describe(raised.value)


def test_an_error_that_cannot_be_told_is_described_all_the_same():
    class OddError(Exception):
        def __str__(self):
            raise RuntimeError

    assert "str() failed" in describe(OddError())
