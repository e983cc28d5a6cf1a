"""delta-rs as a writer: makes the table that argv names in the folder argv names, and prints its rows as JSON."""

import json
import os
import sys
from datetime import date, datetime, timezone
from decimal import Decimal

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

UTC = timezone.utc
AT = datetime(2026, 11, 22, 1, 2, 3, 456789, tzinfo=UTC)


def plain(value):
    """Values as our reader gives them: times in milliseconds, days, decimals and longs as they are, maps as objects."""
    if isinstance(value, datetime):
        return int((value - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000 // 1)
    if isinstance(value, date):
        return (value - date(1970, 1, 1)).days
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], tuple):
        return {key: plain(entry) for key, entry in value}
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    return value


def show(path):
    rows = DeltaTable(path).to_pyarrow_table().to_pylist()
    print(json.dumps([plain(row) for row in rows]))


def types(path):
    inner = pa.struct([("i", pa.int32()), ("f", pa.float32()), ("l", pa.list_(pa.int16()))])
    columns = {
        "id": pa.array([1, 2], pa.int64()),
        "i32": pa.array([-(2**31), None], pa.int32()),
        "i16": pa.array([-(2**15), None], pa.int16()),
        "i8": pa.array([-128, None], pa.int8()),
        "f32": pa.array([1.5, None], pa.float32()),
        "f64": pa.array([-0.25, None], pa.float64()),
        "dec": pa.array([Decimal("-12345678.90"), None], pa.decimal128(10, 2)),
        "wide": pa.array([Decimal("-1" + "0" * 30), None], pa.decimal128(38, 0)),
        "dict": pa.array(["x", None]).dictionary_encode(),
        "large": pa.array(["Ünïcode 😀", None], pa.large_string()),
        "view": pa.array(["y" * 40, None], pa.string_view()),
        "bytes": pa.array([b"\x00\xff", None], pa.large_binary()),
        "ok": pa.array([True, None]),
        "ms": pa.array([AT, None], pa.timestamp("ms", "UTC")),
        "us": pa.array([AT, None], pa.timestamp("us", "UTC")),
        "ns": pa.array([AT, None], pa.timestamp("ns", "UTC")),
        "day": pa.array([date(1969, 12, 31), None], pa.date32()),
        "inner": pa.array([{"i": 7, "f": 0.5, "l": [1, None]}, None], inner),
        "list": pa.array([[{"i": 1, "f": None, "l": None}], None], pa.large_list(inner)),
        "map": pa.array([[("k", 5)], None], pa.map_(pa.string(), pa.int32())),
    }
    write_deltalake(path, pa.table(columns))


def partitions(path):
    names = {"text": "a b/c=%25é", "int": 2147483647, "short": -5, "day": date(2026, 11, 22), "at": AT, "ok": False, "half": 0.5, "dec": Decimal("1.50")}
    columns = {
        "id": pa.array([1, 2]),
        "text": pa.array([names["text"], None]),
        "int": pa.array([names["int"], None], pa.int32()),
        "short": pa.array([names["short"], None], pa.int16()),
        "day": pa.array([names["day"], None], pa.date32()),
        "at": pa.array([names["at"], None], pa.timestamp("us", "UTC")),
        "ok": pa.array([names["ok"], None]),
        "half": pa.array([names["half"], None], pa.float64()),
        "dec": pa.array([names["dec"], None], pa.decimal128(5, 2)),
    }
    write_deltalake(path, pa.table(columns), partition_by=list(names))


def log(path):
    """Appends, an overwrite, a delete, a new column, a checkpoint with nothing left of the log before it, and more."""
    def rows(first, **more):
        ids = [first, first + 1]
        return pa.table({"id": pa.array(ids), "day": pa.array([date(2026, 11, 22), None], pa.date32()), **more})

    settings = {"delta.logRetentionDuration": "interval 0 seconds", "delta.checkpointInterval": "1000"}
    write_deltalake(path, rows(0), partition_by=["day"], configuration=settings)
    write_deltalake(path, rows(10), mode="append")
    write_deltalake(path, rows(20), mode="overwrite")
    write_deltalake(path, rows(30, title=pa.array(["a", "b"])), mode="append", schema_mode="merge")
    DeltaTable(path).delete("id = 20")
    DeltaTable(path).create_checkpoint()
    write_deltalake(path, rows(40), mode="append", schema_mode="merge")


def again(path):
    """What others made of the table meanwhile."""


{"types": types, "partitions": partitions, "log": log, "again": again}[sys.argv[1]](sys.argv[2])
show(sys.argv[2])
sys.stdout.flush()
# Its threads, still running, would now and then abort an ordinary exit.
os._exit(0)
