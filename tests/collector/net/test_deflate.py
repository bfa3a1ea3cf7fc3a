"""Which library does DEFLATE."""

import gzip
import importlib
import sys
import zlib

import pytest

from collector.net import deflate

BODY = b"spans and more spans " * 500


@pytest.fixture
def without(monkeypatch):
    """Load the choice again where a library is missing, and at the end once more where it is not."""

    def choose(*missing):
        for name in missing:
            monkeypatch.setitem(sys.modules, name, None)
        return importlib.reload(deflate)

    yield choose
    monkeypatch.undo()
    importlib.reload(deflate)


def test_each_side_has_the_library_that_is_best_at_it():
    zlib_ng, isal_zlib = pytest.importorskip("zlib_ng.zlib_ng"), pytest.importorskip("isal.isal_zlib")
    assert (zlib_ng, isal_zlib) == (deflate.thorough, deflate.fast)


@pytest.mark.parametrize("missing", [("isal",), ("zlib_ng",), ("isal", "zlib_ng")])
def test_zlib_stands_in_for_a_library_that_is_missing(without, missing):
    chosen = without(*missing)
    assert ("zlib_ng" in missing) == (chosen.thorough is zlib)
    assert ("isal" in missing) == (chosen.fast is chosen.thorough)
    for level in (1, 2, 3):
        assert BODY == gzip.decompress(chosen.fast.compress(BODY, level, 31))
    stream = chosen.thorough.decompressobj(31)
    assert (BODY, True) == (stream.decompress(gzip.compress(BODY), len(BODY) + 1), stream.eof)
