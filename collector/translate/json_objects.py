"""Reading a JSON array of objects member by member, with errors that name the place.

Only one member is held as Python objects at a time, and other threads run between two: a large body costs little more
memory than its text.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

_SPACE = re.compile(r"[ \t\r\n]*")
_HEX = re.compile(r"[0-9a-fA-F]*")
_SHOWN = 50


def read_objects(text: bytes, name: str, most: int) -> Iterator["JsonObject"]:
    """Yield the objects of an array in UTF-8; null members are left out.

    `name` is what errors call the members; arrays inside of one have `most` members at most.

    Raises:
        ValueError: the text is no such array; the message is for whoever sent it.

    """
    root = JsonObject({}, None, name, most)
    for index, member in enumerate(_members(text)):
        if member is not None:
            yield JsonObject(member, root, f"[{index}]", most)


def _members(text: bytes) -> Iterator[Any]:
    try:
        yield from _decoded(text.decode("utf-8-sig"))
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"not valid JSON: {error}") from None


def _decoded(text: str) -> Iterator[Any]:
    decode = json.JSONDecoder(parse_constant=_refuse_constant).raw_decode
    position = _after(text, _skip_space(text, 0), "[")
    if text[position : position + 1] != "]":
        while True:
            member, position = decode(text, position)
            yield member
            position = _skip_space(text, position)
            if text[position : position + 1] != ",":
                break
            position = _after(text, position, ",")
    position = _after(text, position, "]")
    if position < len(text):
        raise json.JSONDecodeError("Extra data", text, position)


def _after(text: str, position: int, sign: str) -> int:
    """Return the position behind a sign and the space that follows it."""
    if text[position : position + 1] != sign:
        raise json.JSONDecodeError(f"Expecting '{sign}'", text, position)
    return _skip_space(text, position + 1)


def _skip_space(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return position if found is None else found.end()


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")


class JsonObject:
    """An object of which members are asked for by their type. One that is missing is the same as null: it is empty.

    Every method raises ValueError where the member is of another type; the message names its place.
    """

    __slots__ = ("_members", "_most", "_outer", "_part")

    def __init__(self, value: Any, outer: "JsonObject | None", part: str, most: int) -> None:
        self._outer = outer
        self._part = part
        self._most = most
        if not isinstance(value, dict):
            raise _unexpected(self.path, "an object", value)
        self._members = value

    @property
    def path(self) -> str:
        """Where the object stands, such as `spans[2].localEndpoint`."""
        return self._part if self._outer is None else f"{self._outer.path}{self._part}"

    def wrong(self, error: ValueError) -> ValueError:
        """Return an error whose message begins with a member, with the place of the object in front."""
        return ValueError(f"{self.path}.{error}")

    def text(self, key: str) -> str:
        """Return a string."""
        value = self._members.get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self._unexpected(key, "a string", value)
        return value

    def scalar(self, key: str) -> str | bool | int | float:
        """Return a string, number or bool."""
        value = self._members.get(key)
        if value is None:
            return ""
        if not isinstance(value, str | bool | int | float):
            raise self._unexpected(key, "a string", value)
        return value

    def count(self, key: str, most: int) -> int:
        """Return a whole number that is not negative."""
        value = self._members.get(key)
        if value is None:
            return 0
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if type(value) is not int:
            raise self._unexpected(key, "a whole number", value)
        if not 0 <= value <= most:
            raise self._unexpected(key, f"a number from 0 to {most}", value)
        return value

    def hexadecimal(self, key: str, size: int, lengths: tuple[int, ...] = ()) -> bytes:
        """Return so many bytes that are written as hexadecimal digits, with zeros in front where there are fewer.

        `lengths` are the numbers of digits that are taken besides none at all; empty for any.
        """
        text = self.text(key)
        if not text:
            return b""
        if len(text) > 2 * size or not _HEX.fullmatch(text):
            raise self._unexpected(key, f"at most {2 * size} hexadecimal digits", text)
        if lengths and len(text) not in lengths:
            wanted = " or ".join(str(length) for length in lengths)
            raise self._unexpected(key, f"{wanted} hexadecimal digits", text)
        return bytes.fromhex(text.zfill(2 * size))

    def object(self, key: str) -> "JsonObject | None":
        """Return an object, or None."""
        value = self._members.get(key)
        return None if value is None else JsonObject(value, self, f".{key}", self._most)

    def objects(self, key: str) -> Iterator["JsonObject"]:
        """Yield the objects of an array, less its null members."""
        value = self._members.get(key)
        if value is None:
            return
        if not isinstance(value, list):
            raise self._unexpected(key, "an array", value)
        if len(value) > self._most:
            raise ValueError(f"{self.path}.{key}: expected at most {self._most} members, not {len(value)}")
        for index, member in enumerate(value):
            if member is not None:
                yield JsonObject(member, self, f".{key}[{index}]", self._most)

    def texts(self, key: str) -> dict[str, str]:
        """Return the strings of an object by their keys. Numbers and bools become text, as some senders write them."""
        value = self._members.get(key)
        if value is None:
            return {}
        members = JsonObject(value, self, f".{key}", self._most)
        return {name: text if isinstance(text, str) else _as_text(members.scalar(name)) for name, text in value.items()}

    def _unexpected(self, key: str, expected: str, value: Any) -> ValueError:
        return _unexpected(f"{self.path}.{key}", expected, value)


def _as_text(value: str | bool | float) -> str:
    """Return a scalar as JSON writes it."""
    return value if isinstance(value, str) else json.dumps(value)


def _unexpected(place: str, expected: str, value: Any) -> ValueError:
    return ValueError(f"{place}: expected {expected}, not {_shown(value)}")


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "an array"
    text = json.dumps(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
