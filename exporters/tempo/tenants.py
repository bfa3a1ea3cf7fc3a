"""Whose spans they are: dividing batches by tenant, and telling Tempo the tenant of each part.

Between the two a part carries its tenant among its client's metadata, under the name of Tempo's header.
"""

from collections.abc import Mapping
from dataclasses import replace

from collector.api import PermanentError, StatusCode
from collector.data import Batch, Client, get_attribute
from collector.data.messages import ProtoMessage, Resource
from collector.data.shell import RequestShell
from collector.net.client import NO_HEADERS
from collector.net.offload import offload
from exporters.tempo.config import TENANT_HEADER, Config, is_tenant


class Tenants:
    """Finds tenants as the configuration says: by the resource, else by the incoming header, else the fixed one."""

    def __init__(self, config: Config) -> None:
        self._fixed = config.tenant
        self._attribute = config.tenant_from_resource
        self._header = config.tenant_from_metadata

    async def divide(self, batch: Batch) -> list[Batch]:
        """Return the parts of a batch, each of one tenant; resources keep their bytes and, in a part, their order."""
        if self._attribute:
            return await offload(len(batch.payload), self._by_resource, batch)
        return [_labelled(batch, self._of_client(batch.client))] if self._header else [batch]

    def headers(self, part: Batch) -> Mapping[str, str]:
        """Return the headers that name the tenant of a part; none where it has no tenant.

        Raises:
            PermanentError: its name has characters that Tempo does not allow, or several values.

        """
        tenant = _label(part.client) if self._attribute or self._header else self._fixed
        if not tenant:
            return NO_HEADERS
        if not is_tenant(tenant):
            raise PermanentError(
                f"{tenant[:150]!r} is no name of a tenant: Tempo takes up to 150 letters, digits and !-_.*'()",
                reason="invalid_tenant",
                code=StatusCode.INVALID_ARGUMENT,
            )
        return {"X-Scope-OrgID": tenant}

    def _by_resource(self, batch: Batch) -> list[Batch]:
        request = RequestShell.FromString(batch.payload)
        fallback = self._of_client(batch.client)
        groups: dict[str, list[ProtoMessage]] = {}
        for resource in request.resources:
            groups.setdefault(self._of_resource(resource) or fallback, []).append(resource)
        if len(groups) <= 1:
            return [_labelled(batch, next(iter(groups), fallback))]
        request.ClearField("resources")
        return [_part(batch, request, resources, tenant) for tenant, resources in groups.items()]

    def _of_resource(self, resource: ProtoMessage) -> str:
        value = get_attribute(Resource.FromString(b"".join(resource.resource)).attributes, self._attribute)
        return "" if value is None else str(value)

    def _of_client(self, client: Client) -> str:
        # Several values make no name of a tenant, and `check` says so.
        return ", ".join(client.metadata.get(self._header, ())) or self._fixed


def _part(batch: Batch, request: ProtoMessage, resources: list[ProtoMessage], tenant: str) -> Batch:
    part = RequestShell()
    part.CopyFrom(request)
    part.resources.extend(resources)
    count = sum(len(scope.items) for resource in resources for scope in resource.scopes)
    return _labelled(Batch(batch.signal, part.SerializeToString(), batch.client, count=count), tenant)


def _labelled(batch: Batch, tenant: str) -> Batch:
    """Return a batch with its tenant; the same one where it has it already."""
    if _label(batch.client) == tenant:
        return batch
    metadata = {**batch.client.metadata, TENANT_HEADER: (tenant,)}
    return Batch(batch.signal, batch.payload, replace(batch.client, metadata=metadata), count=batch.count)


def _label(client: Client) -> str:
    return ", ".join(client.metadata.get(TENANT_HEADER, ()))
