"""delta-rs (`deltalake` from PyPI) as a reader: Arrow through its pyarrow dataset, and its SQL for predicates."""

import os
from datetime import datetime, timedelta, timezone

import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder

from canonical import answer, serve, sql_literal

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def s3_options():
    if "AWS_ENDPOINT_URL" not in os.environ:
        return {}
    return {"AWS_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"], "AWS_REGION": "us-east-1", "AWS_ALLOW_HTTP": "true"}


def opened(job):
    table = DeltaTable(job["table"], storage_options=s3_options(), version=job.get("version"))
    if "timestampMs" in job:
        table.load_as_version(EPOCH + timedelta(milliseconds=job["timestampMs"]))
    return table


def rows(job):
    table, where = opened(job), job.get("where")
    if where is None:
        return answer(table.to_pyarrow_table())
    if job.get("via") == "sql":
        literal = sql_literal(where, lambda text: f"TIMESTAMP '{text}'")
        query = f"SELECT * FROM t WHERE \"{where['column']}\" {where['operator']} {literal}"
        return answer(pa.table(QueryBuilder().register("t", table).execute(query)))
    value = where["value"]
    if where["type"] == "timestamp":
        value = datetime.fromisoformat(value)
    if where["type"] == "date":
        value = datetime.fromisoformat(value).date()
    operator = "==" if where["operator"] == "=" else where["operator"]
    return answer(table.to_pyarrow_table(filters=[(where["column"], operator, value)]))


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


def progress(job):
    return opened(job).transaction_version(job["appId"])


serve({"rows": rows, "detail": detail, "history": history, "progress": progress})
