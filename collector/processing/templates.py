r"""Names with ids in them, made into templates: `GET /api/orders/12345` becomes `GET /api/orders/{number}`.

| what is found | becomes | examples |
| --- | --- | --- |
| a number that stands on its own | `{number}` | `/orders/7`, `order 12345`, `user:42`, `48.8566` |
| a number of 3 digits or more, joined to something by `-`, `_` or `.` | `{number}` | `user-1234`, `invoice_204.pdf` |
| 5 digits or more inside a word | `{number}` | `user123456` |
| a UUID | `{uuid}` | `123e4567-e89b-12d3-a456-426614174000` |
| 7 hexadecimal digits or more that do not read as a word | `{hash}` | `9fceb02`, a SHA-1, `0x7f3a` |
| letters and digits that alternate too often for a word | `{id}` | `x7k2mqp4`, a ULID |
| an email address, an IP address, a date and its time | `{email}`, `{ip}`, `{date}` | `2024-01-31T10:00:00Z` |

The query string of a path goes. Words stay, and so do the digits that belong to them: `v1`, `v2beta1`, `s3`, `oauth2`,
`utf-8`, `sha256`, `eu-west-1`, `1.2.3`. A doubtful case stays too: one name too many is seen, a wrong template is not.

The time is linear in the length of the name: a run of letters and digits is looked at once, from its beginning, and
whatever else a pattern repeats is bounded.
"""

import re

# In order of preference. What is already a template stays, and so do the names of standards and versions.
_PARTS = re.compile(
    r"""
      (?P<keep>   \{ [^{}\s/]{1,64} \}
                | % [0-9a-fA-F]{2}
                | (?i: aes | cp | ieee | iso | rfc | rsa | sha | utf | windows ) [-.]? [0-9]{1,5} (?![^\W_])
                | (?i: h\.26[45] | p-(?: 256 | 384 | 521 ) | x\.509 ) (?![^\W_])
                | [vV]? (?: [0-9] \. [0-9]{1,2} | [0-9]{1,4} (?: \. [0-9]{1,4} ){2} ) (?! [^\W_] | \. [0-9] ) )
    | (?P<uuid>   [0-9a-fA-F]{8} (?: - [0-9a-fA-F]{4} ){3} - [0-9a-fA-F]{12} (?![^\W_]) )
    | (?P<email>  [^\W_] [\w.+-]{0,63} @ (?: [a-zA-Z0-9-]{1,63} \. ){1,8} [a-zA-Z]{2,24} (?![^\W_]) )
    | (?P<date>   (?: 19 | 20 ) [0-9]{2} - (?: 0[1-9] | 1[0-2] ) - (?: 0[1-9] | [12][0-9] | 3[01] )
                  (?: [T_\ ] [0-9]{2} : [0-9]{2} (?: : [0-9]{2} (?: [.,] [0-9]{1,9} )? )?
                      (?: Z | [+-] [0-9]{2} :? [0-9]{2} )? )? (?![^\W_]) )
    | (?P<ip>     [0-9]{1,3} (?: \. [0-9]{1,3} ){3} (?! [^\W_] | \. [0-9] )
                | (?: [0-9a-fA-F]{1,4} : ){7} [0-9a-fA-F]{1,4} (?! [^\W_] | : )
                | (?: [0-9a-fA-F]{1,4} (?: : [0-9a-fA-F]{1,4} ){0,6} )? :: (?: [0-9a-fA-F]{1,4} : ){0,6}
                  [0-9a-fA-F]{1,4} (?! [^\W_] | : ) )
    | (?P<number> [0-9]{1,20} \. [0-9]{1,20} (?! [^\W_] | \. [0-9] ) )
    | (?P<word>   [^\W_]+ )
    """,
    re.VERBOSE,
)
# What stands before and after a number that is joined to a word, or to the placeholder of another number.
_JOINED_BEFORE = re.compile(r"(?:[^\W_]|\})[-_.]")
_JOINED_AFTER = re.compile(r"[-_.](?:[^\W_]|\{)")
_HASH = re.compile(r"0[xX][0-9a-fA-F]+|[0-9a-f]{7,}|[0-9A-F]{7,}")
_LONG_NUMBER = re.compile(r"\d{5,}")
# The parts of a word as a reader sees them: Title, lower, UPPER, 123.
_RUNS = re.compile(r"\d+|[^\W\d_A-Z]+|[A-Z][^\W\d_A-Z]+|[A-Z]+")
# From this length on, a word with at least so many numbers in it and runs that are on average no longer than that is
# random. Ordinary words have few numbers in them (`copyS3ToEc2`) and long runs (`findUserByEmailAddress2`).
_RANDOM = ((8, 2, 1.6), (14, 3, 3.0), (20, 1, 2.2))


def template(name: str) -> str:
    """Return a name with everything that looks like an id replaced by what kind of id it is."""
    if "?" in name:
        name = " ".join(map(_without_query, name.split(" ")))
    return _PARTS.sub(_placeholder, name)


def _without_query(word: str) -> str:
    path, _, _ = word.partition("?")
    return path if "/" in path else word


def _placeholder(match: re.Match[str]) -> str:
    kind, text = match.lastgroup, match[0]
    if kind == "word":
        return _of_number(match) if text.isdecimal() else _of_word(text)
    # `Face::Add` is a name, `face::1` an address.
    if kind == "keep" or (kind == "ip" and not any(map(str.isdecimal, text))):
        return text
    return f"{{{kind}}}"


def _of_number(match: re.Match[str]) -> str:
    """Return a number's placeholder, or its one or two digits where they belong to a word, as in `eu-west-1`."""
    name, start, end = match.string, match.start(), match.end()
    joined = (start >= 2 and _JOINED_BEFORE.match(name, start - 2)) or _JOINED_AFTER.match(name, end)
    return match[0] if joined and end - start < 3 else "{number}"


def _of_word(word: str) -> str:
    """Return what stands for a word of letters, or of letters and digits."""
    if word.isalpha():
        return word
    runs = _RUNS.findall(word)
    if _HASH.fullmatch(word) and _is_hash(word, len(runs)):
        return "{hash}"
    numbers = sum(map(str.isdecimal, runs))
    for length, fewest_numbers, longest_runs in _RANDOM:
        if len(word) >= length and numbers >= fewest_numbers and len(word) <= len(runs) * longest_runs:
            return "{id}"
    return _LONG_NUMBER.sub("{number}", word)


def _is_hash(word: str, runs: int) -> bool:
    """Tell hexadecimal digits from words that happen to use no other letters, such as `decade90` and `face2face`."""
    digits = sum(map(str.isdecimal, word))
    return len(word) >= 16 or word[:2] in ("0x", "0X") or (digits >= 2 and (runs >= 3 or word[0].isdecimal()))
