"""`pixmesh ops [NAME]`: what can be done to a picture, for people and as JSON."""

import json

import click

from ...node.errors import UsageError
from ...ops import registry
from ...ops.operation import Operation, Parameter, write_value
from ..options import Common, common

SCHEMA = 1


@click.command("ops")
@click.argument("name", required=False)
@common
def command(name: str | None, common: Common) -> None:
    """List the operations, or show one with its parameters."""
    chosen = registry.every() if name is None else (_find(name),)
    if common.json:
        click.echo(json.dumps({"schema": SCHEMA, "operations": [_as_data(o) for o in chosen]}))
    elif name is None:
        click.echo(_listed(chosen))
        common.say('\nOne with its parameters: pixmesh ops NAME. In a row: "grayscale | canny".')
    else:
        click.echo(_shown(chosen[0]))


def _find(name: str) -> Operation:
    operation = registry.get(name)
    if operation is not None:
        return operation
    near = registry.nearest(name)
    raise UsageError(
        f"there is no operation {name!r}" + (f"; did you mean {near!r}?" if near else ""),
        remedy="pixmesh ops lists them all",
    )


def _listed(operations: tuple[Operation, ...]) -> str:
    width = max(len(operation.name) for operation in operations)
    return "\n".join(f"{operation.name:<{width}}  {operation.help}" for operation in operations)


def _shown(operation: Operation) -> str:
    lines = [f"{operation.name}: {operation.help}"]
    defaults = {one.name: one.default for one in operation.parameters}
    lines += [f"  {line}" for line in _table([_row(p) for p in operation.parameters])]
    if operation.missing():
        lines.append(f"not installed: {_how_to_install(operation)}")
    if model := operation.weights(defaults):
        lines.append(f"weights: {model} ('pixmesh models' tells of them)")
    lines += [f"example: {example_of(operation)}", f"source: {operation.source}"]
    return "\n".join(lines)


def _how_to_install(operation: Operation) -> str:
    missing = ", ".join(operation.missing())
    how = f" (in the clone: uv tool install '.[{operation.extra}]')" if operation.extra else ""
    return f"{missing}{how}"


def example_of(operation: Operation) -> str:
    """Return a recipe of this operation that works as it stands."""
    return operation.example or operation.name


def _row(parameter: Parameter) -> tuple[str, str, str]:
    setting = f"{parameter.name}={write_value(parameter.default)}"
    return setting, parameter.range, parameter.help


def _table(rows: list[tuple[str, str, str]]) -> list[str]:
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(2)]
    return [f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]}" for row in rows]


def _as_data(operation: Operation) -> dict[str, object]:
    return {
        "name": operation.name,
        "help": operation.help,
        "cut": operation.cut.kind,
        "cost": operation.cost,
        "memory": operation.memory,
        "depths": list(operation.depths),
        "channels": list(operation.channels),
        "requires": list(operation.requires),
        "missing": list(operation.missing()),
        "extra": operation.extra,
        "example": example_of(operation),
        "source": operation.source,
        "parameters": [_parameter_data(parameter) for parameter in operation.parameters],
    }


def _parameter_data(parameter: Parameter) -> dict[str, object]:
    return {
        "name": parameter.name,
        "kind": parameter.kind,
        "default": parameter.default,
        "minimum": parameter.minimum,
        "maximum": parameter.maximum,
        "choices": list(parameter.choices),
        "odd": parameter.odd,
        "range": parameter.range,
        "help": parameter.help,
    }
