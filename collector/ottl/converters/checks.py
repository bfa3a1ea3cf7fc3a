"""Converters that are true or false."""

import ipaddress

from collector.ottl.comparison import equal
from collector.ottl.converters.parameters import Anything, Items, Networks, RegularExpression, Text, TextLike


def is_match(target: TextLike, pattern: RegularExpression) -> bool:
    """Return whether a pattern matches in the text of a value; never in nil."""
    return target is not None and pattern.matches(target)


def has_prefix(target: Text, prefix: Text) -> bool:
    """Return whether a text begins with another."""
    return target.startswith(prefix)


def has_suffix(target: Text, suffix: Text) -> bool:
    """Return whether a text ends with another."""
    return target.endswith(suffix)


def contains_value(target: Items, item: Anything) -> bool:
    """Return whether a list has a member that is equal to a value."""
    return any(equal(member, item) for member in target)


def is_in_cidr(target: Text, networks: Networks) -> bool:
    """Return whether an address is in one of several networks; a text that is no address is in none."""
    try:
        address = ipaddress.ip_address(target)
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in network for network in networks)


def is_string(target: Anything) -> bool:
    """Return whether a value is a text."""
    return type(target) is str


def is_int(target: Anything) -> bool:
    """Return whether a value is an integer."""
    return type(target) is int


def is_double(target: Anything) -> bool:
    """Return whether a value is a float."""
    return type(target) is float


def is_bool(target: Anything) -> bool:
    """Return whether a value is a boolean."""
    return type(target) is bool


def is_map(target: Anything) -> bool:
    """Return whether a value is a map."""
    return type(target) is dict


def is_list(target: Anything) -> bool:
    """Return whether a value is a list."""
    return type(target) is list


def is_empty(target: Anything) -> bool:
    """Return whether a value is nil, zero, false, or without members or characters."""
    return not target


CONVERTERS = {
    "ContainsValue": contains_value,
    "HasPrefix": has_prefix,
    "HasSuffix": has_suffix,
    "IsBool": is_bool,
    "IsDouble": is_double,
    "IsEmpty": is_empty,
    "IsInCIDR": is_in_cidr,
    "IsInt": is_int,
    "IsList": is_list,
    "IsMap": is_map,
    "IsMatch": is_match,
    "IsString": is_string,
}
