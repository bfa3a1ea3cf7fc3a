"""The compiler: resolves the names in a syntax tree and turns it into closures."""

from collector.ottl.arithmetic import negate
from collector.ottl.closures import (
    Constant,
    Test,
    all_of,
    any_of,
    calculation,
    comparison,
    folded,
    list_of,
    map_of,
    member_of,
    opposite_of,
    result_of,
    truth_of,
)
from collector.ottl.context import Context, Getter
from collector.ottl.converters import CONVERTERS, Converter, Parameter
from collector.ottl.errors import EvaluationError, OttlError, did_you_mean
from collector.ottl.hints import for_converter, for_path, for_symbol
from collector.ottl.syntax import (
    And,
    Arithmetic,
    Call,
    Comparison,
    ListOf,
    Literal,
    MapOf,
    Negative,
    Node,
    Not,
    Or,
    Path,
    Symbol,
)
from collector.ottl.values import kind_of


def compile_condition(node: Node, context: Context) -> Test:
    """Return the test of a condition; it raises EvaluationError where values have the wrong types.

    Raises:
        OttlError: the context has no such path, symbol or converter, or a converter cannot take its arguments.

    """
    return _Compiler(context).test(node)


class _Compiler:
    def __init__(self, context: Context) -> None:
        self._context = context

    def test(self, node: Node) -> Test:
        """Return the test of a node that is a condition."""
        match node:
            case Comparison():
                return comparison(self._value(node.left), node.operator, self._value(node.right))
            case Not():
                return opposite_of(self.test(node.operand))
            case And():
                return all_of([self.test(operand) for operand in node.operands])
            case Or():
                return any_of([self.test(operand) for operand in node.operands])
        return truth_of(self._value(node), str(node))

    def _value(self, node: Node) -> Getter:
        match node:
            case Literal():
                return Constant(node.value)
            case Path():
                return self._path(node)
            case Call():
                return self._call(node)
            case Symbol():
                return Constant(self._symbol(node))
        return self._composite(node)

    def _composite(self, node: Node) -> Getter:
        match node:
            case ListOf():
                return list_of([self._value(member) for member in node.members])
            case MapOf():
                return map_of([(key, self._value(member)) for key, member in node.members])
            case Negative():
                operand = self._value(node.operand)
                return folded(result_of(negate, [operand]), [operand])
            case Arithmetic():
                rest = [(sign, self._value(operand)) for sign, operand in node.rest]
                return calculation(self._value(node.first), rest)
        raise TypeError(f"{node} has no value")  # the parser takes a condition for no value

    @property
    def _converters(self) -> list[str]:
        """The names of all converters that conditions of the context may call."""
        return [*CONVERTERS, *self._context.calls]

    def _symbol(self, node: Symbol) -> int:
        number = self._context.symbols.get(node.name)
        if number is None:
            hint = for_symbol(node.name, self._context, self._converters)
            raise OttlError(f'unknown enumeration value "{node.name}"', node.position, hint)
        return number

    def _path(self, node: Path) -> Getter:
        field = self._context.find(node.names)
        if field is None:
            problem = f'there is no path "{node.name}" in the {self._context.name} context'
            raise OttlError(problem, node.position, for_path(node, self._context))
        if not node.keys:
            return field.getter()
        if len(node.keys) > field.most_keys:
            count = f"{field.most_keys} key" if field.most_keys else "no key"
            raise OttlError(f'the path "{node.name}" takes {count}', node.position)
        first, *rest = (self._value(key) for key in node.keys)
        if field.lookup is None or not isinstance(first, Constant):
            return member_of(field.getter(), [first, *rest], strict=False)
        if not isinstance(first.value, str):
            raise OttlError(f'the key of "{node.name}" is {kind_of(first.value)}, not a text', node.position)
        getter = field.member_getter(field.lookup, first.value)
        return member_of(getter, rest, strict=False) if rest else getter

    def _call(self, node: Call) -> Getter:
        getter = self._result(node)
        if not node.keys:
            return getter
        keys = [self._value(key) for key in node.keys]
        return folded(member_of(getter, keys, strict=True), [getter, *keys])

    def _result(self, node: Call) -> Getter:
        """Return the getter of what a call returns, before its keys."""
        own = self._context.calls.get(node.name)
        if own is not None:
            if node.arguments:
                raise OttlError(f"{node.name} takes no arguments", node.position)
            return own
        converter = CONVERTERS.get(node.name)
        if converter is None:
            hint = for_converter(node.name, self._converters)
            raise OttlError(f'unknown converter "{node.name}"', node.position, hint)
        arguments = self._arguments(converter, node)
        getter = result_of(converter.function, arguments)
        return folded(getter, arguments) if converter.pure else getter

    def _arguments(self, converter: Converter, call: Call) -> list[Getter]:
        """Return the getters of a call's arguments, in the order of the parameters and converted to their types."""
        given = _by_parameter(converter, call)
        getters: list[Getter] = []
        for parameter in converter.parameters:
            if parameter.name in given:
                getters.append(self._argument(parameter, given[parameter.name], call))
            elif parameter.required:
                raise OttlError(f"{call.name} lacks its {parameter.name}", call.position, f"it is {converter}")
            else:
                getters.append(Constant(parameter.default))
        return getters

    def _argument(self, parameter: Parameter, node: Node, call: Call) -> Getter:
        value, convert = self._value(node), parameter.convert
        if not isinstance(value, Constant):
            if parameter.literal:
                raise OttlError(f"the {parameter.name} of {call.name} must be written down", node.position)
            return lambda record: convert(value(record))
        try:
            return Constant(convert(value.value))
        except EvaluationError as error:
            raise OttlError(f"the {parameter.name} of {call.name}: {error}", node.position) from None


def _by_parameter(converter: Converter, call: Call) -> dict[str, Node]:
    """Return the arguments of a call by the names of the parameters that they are for."""
    names = [parameter.name for parameter in converter.parameters]
    given: dict[str, Node] = {}
    for index, argument in enumerate(call.arguments):
        if argument.name and argument.name not in names:
            hint = did_you_mean(argument.name, names)
            raise OttlError(f'{call.name} has no parameter "{argument.name}"', argument.value.position, hint)
        if index >= len(names):
            raise OttlError(f"{call.name} has too many arguments", argument.value.position, f"it is {converter}")
        name = argument.name or names[index]
        if name in given:
            raise OttlError(f'{call.name} gets its "{name}" twice', argument.value.position)
        given[name] = argument.value
    return given
