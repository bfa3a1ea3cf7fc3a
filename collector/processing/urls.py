"""Paths with what varies in them replaced by `*`, so that `/users/123` and `/users/456` become one."""

import re

from collector.processing.remembering import remembering

# A word: letters and the separators of names; one digit may stand second, as in `v1`.
_WORD = re.compile(r"[A-Za-z._ -](?:[0-9]?[A-Za-z._ -]*)")
# Letters that no language has in a row: names have vowels, generated ids often have none.
_UNPRONOUNCEABLE = re.compile(r"[bcdfghjklmnpqrstvwxz]{6}", re.IGNORECASE)
_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#]*@)?[^/?#]*")
_QUERY = re.compile(r"[?&#]")
_MAX_SEGMENTS = 10


def sanitize_url(url: str) -> str:
    """Return a URL or path without query, fragment and user, with `*` for each segment that is no word.

    Of a path, ten segments stay. Text before the path, such as a request method, counts as part of its first segment.
    """
    origin = _ORIGIN.match(url)
    scheme_and_host = "" if origin is None else re.sub(r"//[^/]*@", "//", origin[0])
    path = _QUERY.split(url if origin is None else url[origin.end() :], maxsplit=1)[0]
    segments = path.split("/", _MAX_SEGMENTS)[:_MAX_SEGMENTS]
    return scheme_and_host + "/".join(segment if _is_known_word(segment) else "*" for segment in segments)


def is_blank(path: str) -> bool:
    """Return whether nothing but `*` and slashes is left of a path."""
    return "*" in path and not path.strip("*/")


def _is_word(segment: str) -> bool:
    return not segment or (_WORD.fullmatch(segment) is not None and not _UNPRONOUNCEABLE.search(segment))


_is_known_word = remembering(_is_word, 8192)
