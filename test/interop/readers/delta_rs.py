"""delta-rs (`deltalake` from PyPI) as a reader: Arrow through its pyarrow dataset, and its SQL for predicates."""

import os
from datetime import date, datetime, timedelta, timezone
from functools import cache

import pyarrow as pa
from pyarrow import dataset
from deltalake import DeltaTable, QueryBuilder

from canonical import answer, serve, sql_where, standard_quoted

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def s3_options():
    if "AWS_ENDPOINT_URL" not in os.environ:
        return {}
    return {"AWS_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"], "AWS_REGION": "us-east-1", "AWS_ALLOW_HTTP": "true"}


@cache
def at_version(url, version):
    return DeltaTable(url, storage_options=s3_options(), version=version)


def opened(job):
    if "version" in job:
        return at_version(job["table"], job["version"])
    table = DeltaTable(job["table"], storage_options=s3_options())
    if "timestampMs" in job:
        table.load_as_version(EPOCH + timedelta(milliseconds=job["timestampMs"]))
    return table


PYTHON_VALUES = {
    "string": str,
    "long": int,
    "double": float,
    "boolean": lambda text: text == "true",
    "date": date.fromisoformat,
    "timestamp": datetime.fromisoformat,
}


def rows(job):
    table, columns, where = opened(job), job.get("columns"), job.get("where")
    if where is None:
        return answer(table.to_pyarrow_table(columns=columns))
    if job.get("via") == "sql":
        names = ", ".join(f'"{name}"' for name in columns)
        condition = sql_where(where, standard_quoted, "TIMESTAMP")
        if where["type"] == "timestamp" and where["operator"] != "IS NULL":
            # Its own TIMESTAMP literals are of nanoseconds, which reach from 1677 to 2262.
            condition = f"{where['operator']} arrow_cast('{where['value']}', 'Timestamp(Microsecond, Some(\"UTC\"))')"
        query = f"SELECT {names} FROM t WHERE \"{where['column']}\" {condition}"
        return answer(pa.table(QueryBuilder().register("t", table).execute(query)))
    field = dataset.field(where["column"])
    if where["operator"] == "IS NULL":
        return answer(table.to_pyarrow_dataset().to_table(columns=columns, filter=field.is_null()))
    operator = "==" if where["operator"] == "=" else where["operator"]
    value = PYTHON_VALUES[where["type"]](where["value"])
    return answer(table.to_pyarrow_table(columns=columns, filters=[(where["column"], operator, value)]))


def detail(job):
    table = opened(job)
    metadata = table.metadata()
    return {
        "version": table.version(),
        "id": metadata.id,
        "partitionColumns": metadata.partition_columns,
        "createdMs": metadata.created_time,
        "properties": metadata.configuration,
        "files": len(table.file_uris()),
        "schema": table.schema().to_json(),
    }


def history(job):
    return [
        {"version": entry["version"], "operation": entry["operation"], "timestampMs": entry["timestamp"]}
        for entry in opened(job).history()
    ]


def each(job):
    found = [rows({**job, "columns": [job["column"]], "where": where})["rows"] for where in job["wheres"]]
    return [[int(value) for (value,) in one] for one in found]


def progress(job):
    return opened(job).transaction_version(job["appId"])


serve({"rows": rows, "each": each, "detail": detail, "history": history, "progress": progress})
