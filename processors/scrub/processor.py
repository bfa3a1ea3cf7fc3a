"""Has the fields of a batch that may hold something scrubbed; all others keep their bytes."""

from collections import Counter
from collections.abc import Iterable

from collector.api import Consumer, Idle, ProcessorFactory, Settings
from collector.data import Batch, OpenResource, OpenScope
from collector.net.offload import offload
from processors.scrub.addresses import PrivateAddresses
from processors.scrub.config import Config
from processors.scrub.detectors import detectors_of
from processors.scrub.layouts import LAYOUTS, RESOURCE, SCOPE, Layout
from processors.scrub.rules import Rules
from processors.scrub.suspects import Suspects
from processors.scrub.walk import Found, Walk


class Scrub(Idle):
    """Hands on batches with nothing in them that must not leave; works on large ones in a thread."""

    def __init__(self, config: Config, settings: Settings, next_consumer: Consumer) -> None:
        self._scrubber = Scrubber(config)
        self._next = next_consumer
        self._findings = settings.telemetry.counter(
            "otelcol_processor_scrub_findings",
            "What the scrub processor found and masked, hashed or dropped, by kind and by where it was.",
            ("kind", "where"),
        )

    async def consume(self, batch: Batch) -> None:
        """Scrub a batch, count what was found, and hand on the rest."""
        clean, findings = await offload(len(batch.payload), self._scrubber.scrub, batch)
        for (kind, where), count in Counter(findings).items():
            self._findings.add(count, kind=kind, where=where)
        await self._next.consume(clean)


class Scrubber:
    """Scrubs resources, scopes, spans with their events and links, log records, and data points with their exemplars.

    It may work on several batches at once, in threads.
    """

    def __init__(self, config: Config) -> None:
        self._rules = Rules(config)
        self._suspects = suspects_of(config)
        self._report = config.report_attribute

    def scrub(self, batch: Batch) -> tuple[Batch, list[Found]]:
        """Return a batch without what must go, and what that was."""
        walk = Walk(self._rules, self._report)
        opened = Batch(batch.signal, batch.payload).open()
        for resource in opened.resources:
            self._scrub_resource(resource, walk)
            for scope in resource.scopes:
                self._scrub_scope(scope, walk)
                self._scrub_items(scope, walk)
        return Batch.of_opened(opened, batch.client) if walk.findings else batch, walk.findings

    def _scrub_resource(self, resource: OpenResource, walk: Walk) -> None:
        raw = resource.raw
        for _, position in self._suspects.among([raw]):
            clean = self._scrubbed(raw, position, RESOURCE, walk)
            if clean is not raw:
                resource.replace(clean)

    def _scrub_scope(self, scope: OpenScope, walk: Walk) -> None:
        raw = scope.scope.SerializeToString()
        for _, position in self._suspects.among([raw]):
            clean = self._scrubbed(raw, position, SCOPE, walk)
            if clean is not raw:
                scope.set_scope(SCOPE.type.FromString(clean))

    def _scrub_items(self, scope: OpenScope, walk: Walk) -> None:
        raws = scope.raws()
        layout = LAYOUTS[scope.signal]
        for index, position in self._suspects.among(raws):
            clean = self._scrubbed(raws[index], position, layout, walk)
            if clean is not raws[index]:
                scope.replace(index, clean)

    def _scrubbed(self, raw: bytes, position: int, layout: Layout, walk: Walk) -> bytes:
        """Return a serialized message without what must go: the very object where that is nothing."""
        since = len(walk.findings)
        pieces, end = [], 0
        for tag, start, stop in self._suspects.fields(raw, position):
            edit = layout.edits.get(tag)
            if edit is not None:
                field = raw[start:stop]
                clean = walk.scrub(field, edit)
                if clean is not field:
                    pieces += [raw[end:start], clean]
                    end = stop
        if not pieces:
            return raw
        clean = b"".join([*pieces, raw[end:]])
        if not self._report or not layout.is_attributed:
            return clean
        message = layout.type.FromString(clean)
        walk.tell(message, since)
        told: bytes = message.SerializeToString()
        return told


def suspects_of(config: Config) -> Suspects:
    """Return what tells the fields of a batch that may hold a finding by a configuration."""
    keys: Iterable[str] = config.sql_keys if "sql" in config.actions else ()
    # A hint of one's own may begin where an address does that is dismissed.
    is_dismissing = config.ip_addresses == "public" and "ip" in config.actions and not config.custom_kinds
    return Suspects(detectors_of(config), keys, PrivateAddresses() if is_dismissing else None)


FACTORY = ProcessorFactory(type="scrub", config=Config, create=Scrub)
