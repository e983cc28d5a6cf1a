"""What every reader's answer looks like, so that answers compare exactly. Rows come as Arrow, whoever read them."""

import json
import sys
import traceback

import pyarrow as pa
import pyarrow.types as t


def type_text(kind):
    """A type by Delta's names, nullability left out."""
    if t.is_string(kind) or t.is_large_string(kind) or t.is_string_view(kind):
        return "string"
    if t.is_binary(kind) or t.is_large_binary(kind) or t.is_binary_view(kind):
        return "binary"
    if t.is_timestamp(kind):
        return "timestamp" if kind.tz is not None else "timestamp_ntz"
    if t.is_list(kind) or t.is_large_list(kind):
        return f"array<{type_text(kind.value_type)}>"
    if t.is_map(kind):
        return f"map<{type_text(kind.key_type)},{type_text(kind.item_type)}>"
    if t.is_struct(kind):
        return f"struct<{','.join(f'{field.name}:{type_text(field.type)}' for field in kind)}>"
    names = {"int64": "long", "double": "double", "bool": "boolean", "date32[day]": "date"}
    return names.get(str(kind), str(kind))


def values(array):
    """The array as JSON values: long and timestamp (microseconds) as text, date as days, binary in hex, a map as sorted pairs."""
    kind = array.type
    if t.is_timestamp(kind):
        micros = {"s": 1_000_000, "ms": 1000, "us": 1}.get(kind.unit)
        if micros is None:
            raise TypeError(f"{kind} is finer than Delta's microseconds")
        return [None if value is None else str(value * micros) for value in array.cast(pa.int64()).to_pylist()]
    if t.is_integer(kind):
        return [None if value is None else str(value) for value in array.to_pylist()]
    if t.is_date(kind):
        return array.cast(pa.date32()).cast(pa.int32()).to_pylist()
    if t.is_floating(kind):
        return [value if value is None or abs(value) < float("inf") else repr(value) for value in array.to_pylist()]
    if t.is_binary(kind) or t.is_large_binary(kind) or t.is_binary_view(kind):
        return [None if value is None else value.hex() for value in array.to_pylist()]
    if t.is_struct(kind):
        children = [values(child) for child in array.flatten()] or [[None] * len(array)]
        names = [field.name for field in kind]
        rows = [dict(zip(names, row)) for row in zip(*children)]
        return [row if valid.as_py() else None for row, valid in zip(rows, array.is_valid())]
    if t.is_map(kind):
        keys, items = values(array.keys), values(array.items)
        return [None if span is None else sorted(zip(keys[slice(*span)], items[slice(*span)])) for span in spans(array)]
    if t.is_list(kind) or t.is_large_list(kind):
        elements = values(array.values)
        return [None if span is None else elements[slice(*span)] for span in spans(array)]
    return array.to_pylist()


def spans(array):
    """Where each row of a list or map lies in its children; None for a null."""
    offsets = array.offsets.to_pylist()
    return [(start, end) if valid.as_py() else None for start, end, valid in zip(offsets, offsets[1:], array.is_valid())]


def answer(table):
    """An Arrow table as {fields: [[name, type]], rows: [[value]]}, rows in no particular order."""
    columns = [[value for chunk in column.chunks for value in values(chunk)] for column in table.columns]
    return {
        "fields": [[field.name, type_text(field.type)] for field in table.schema],
        "rows": [list(row) for row in zip(*columns)],
    }


def serve(handlers):
    """Answers jobs {op, …} from stdin, one JSON a line, with {ok} or {error} on stdout, in order."""
    # What libraries print goes to stderr, so that stdout holds answers only.
    out, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        job = json.loads(line)
        try:
            reply = {"ok": handlers[job["op"]](job)}
        except Exception as error:
            traceback.print_exc()
            reply = {"error": f"{type(error).__name__}: {error}"}
        out.write(json.dumps(reply) + "\n")
        out.flush()


def sql_where(where, quoted, timestamp):
    """A predicate {column, operator, type, value} in SQL: `quoted` makes a text a literal, `timestamp` names that type."""
    if where["operator"] == "IS NULL":
        return "IS NULL"
    names = {"long": "BIGINT", "double": "DOUBLE", "date": "DATE", "boolean": "BOOLEAN", "timestamp": timestamp}
    literal = quoted(where["value"])
    if where["type"] != "string":
        literal = f"CAST({literal} AS {names[where['type']]})"
    return f"{where['operator']} {literal}"


def standard_quoted(text):
    return "'" + text.replace("'", "''") + "'"
