"""The detectors of a configuration."""

from collections.abc import Iterator

from collector.processing.patterns import Pattern
from processors.scrub import emails, personal, secrets
from processors.scrub.config import Config
from processors.scrub.finding import Detector, Span

# Of findings that begin at the same place and are as long, the first detector's counts.
_BUILT_IN = (*secrets.DETECTORS, emails.EMAIL, *personal.DETECTORS)
_ADDRESSES = {"public": personal.PUBLIC_IP, "all": personal.ANY_IP}


def detectors_of(config: Config) -> list[Detector]:
    """Return the detectors of the kinds that are looked for, those of one's own first."""
    actions = config.actions
    detectors = [*_custom(config), *_BUILT_IN, *_ADDRESSES[config.ip_addresses]]
    return [detector for detector in detectors if detector.kind in actions]


def _custom(config: Config) -> Iterator[Detector]:
    for custom in config.custom_kinds:
        relaxed = Pattern(custom.pattern).relaxed()
        # Without a hint every item is a suspect: the empty one matches everywhere.
        hint = "" if relaxed is None else relaxed.text
        yield Detector(kind=custom.name, hint=hint, pattern=custom.pattern, check=_check_custom, step=1)


def _check_custom(text: bytes, start: int, end: int) -> Span | None:  # noqa: ARG001 - the shape of a check
    """Refuse a match of nothing, as of a pattern that is but an assertion."""
    return (start, end) if start < end else None
