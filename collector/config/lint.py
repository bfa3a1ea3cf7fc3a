"""Remarks on configurations that are valid but probably not what was meant."""

from collections.abc import Iterable, Iterator, Mapping

from pydantic.fields import FieldInfo

from collector.api import Caveat, ComponentId, Kind
from collector.config.errors import ConfigWarning
from collector.config.nodes import Keys, Node, format_keys
from collector.config.service import ServiceConfig
from collector.config.shapes import Model, Shape, field_shapes, options, shapes

# How the description of an option begins that changes nothing.
_INERT = "Accepted for compatibility"


def option_warnings(model: Model, node: Node, keys: Keys) -> Iterator[ConfigWarning]:
    """Iterate over what is odd about the options in a block: without effect, deprecated, durations without a unit."""
    return _walk([Shape(model)], node, keys)


def _walk(allowed: Iterable[Shape], node: Node, keys: Keys) -> Iterator[ConfigWarning]:
    for shape in allowed:
        yield from _caveats(shape, node, keys)
        if shape.is_duration and isinstance(node.value, int | float) and node.value:
            message = f"{node.value} has no unit and counts nanoseconds: write {node.value}s or {node.value}ms"
            yield ConfigWarning(format_keys(keys), message, node.declared)
        elif shape.model:
            known = options(shape.model)
            for key, inner in node.items():
                field = known.get(str(key))
                if field is None:
                    continue
                if remark := _remark(field):
                    yield ConfigWarning(format_keys((*keys, key)), remark, inner.declared)
                yield from _walk(field_shapes(field), inner, (*keys, key))
        elif shape.items is not None:
            for key, inner in node.items():
                yield from _walk(shapes(shape.items), inner, (*keys, key))


def _caveats(shape: Shape, node: Node, keys: Keys) -> Iterator[ConfigWarning]:
    if isinstance(node.value, list | None) or isinstance(node.value, dict) != (shape.model is not None):
        return
    for item in shape.metadata:
        if isinstance(item, Caveat) and (remark := item.remark(node.plain())):
            yield ConfigWarning(format_keys(keys), remark, node.declared)


def has_effect(field: FieldInfo) -> bool:
    """Return whether setting an option changes anything."""
    return not (field.description or "").startswith(_INERT)


def _remark(field: FieldInfo) -> str:
    """Return what there is to say about an option wherever it is set."""
    if field.deprecated:
        return f"is deprecated: {field.deprecated}"
    description = field.description or ""
    return "" if has_effect(field) else f"{description[0].lower()}{description[1:]}"


def unused(
    service: ServiceConfig, declared: Mapping[Kind, Iterable[ComponentId]], root: Node
) -> Iterator[ConfigWarning]:
    """Iterate over the components that are declared but run nowhere."""
    pipelines = service.pipelines.values()
    used = {
        Kind.RECEIVER: {name for pipeline in pipelines for name in pipeline.receivers},
        Kind.PROCESSOR: {name for pipeline in pipelines for name in pipeline.processors},
        Kind.EXPORTER: {name for pipeline in pipelines for name in pipeline.exporters},
        Kind.EXTENSION: set(service.extensions),
    }
    where = {Kind.EXTENSION: "service.extensions does not list it"}
    for kind, names in used.items():
        for component_id in declared[kind]:
            if component_id not in names:
                keys = (kind.section, str(component_id))
                message = f"is not used: {where.get(kind, 'no pipeline names it')}"
                yield ConfigWarning(format_keys(keys), message, root.nearest(keys).declared)
