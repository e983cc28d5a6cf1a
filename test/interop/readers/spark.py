"""Spark with Delta Lake's own library as a reader, and as a writer: `sql` runs statements."""

import os
import tempfile
from functools import reduce

from pyspark.sql import SparkSession

from canonical import answer, serve, sql_where

scratch = tempfile.TemporaryDirectory(prefix="readflow-spark-")
config = {
    "spark.ui.enabled": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "768m",
    "spark.driver.extraClassPath": os.environ["READFLOW_TEST_SPARK_JARS"] + "/*",
    "spark.driver.extraJavaOptions": f"-Duser.timezone=UTC -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Dderby.system.home={scratch.name}",
    "spark.local.dir": scratch.name,
    "spark.sql.warehouse.dir": f"{scratch.name}/warehouse",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "1",
    # Tables of some rows: what compiles and adapts a plan costs more than it gives.
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}
if "AWS_ENDPOINT_URL" in os.environ:
    config |= {
        "spark.hadoop.fs.s3a.endpoint": os.environ["AWS_ENDPOINT_URL"],
        "spark.hadoop.fs.s3a.endpoint.region": "us-east-1",
        "spark.hadoop.fs.s3a.path.style.access": "true",
        "spark.hadoop.fs.s3a.access.key": os.environ["AWS_ACCESS_KEY_ID"],
        "spark.hadoop.fs.s3a.secret.key": os.environ["AWS_SECRET_ACCESS_KEY"],
    }
builder = SparkSession.builder.master("local[1]").appName("interop")
for key, value in config.items():
    builder = builder.config(key, value)
spark = builder.getOrCreate()
spark.sparkContext.setLogLevel("ERROR")


def path(job):
    return job["table"].replace("s3://", "s3a://")


def loaded(job):
    reader = spark.read.format("delta")
    if "version" in job:
        reader = reader.option("versionAsOf", job["version"])
    if "timestampMs" in job:
        seconds, millis = divmod(job["timestampMs"], 1000)
        text = spark.sql(f"SELECT date_format(timestamp_seconds({seconds}), 'yyyy-MM-dd HH:mm:ss')").first()[0]
        reader = reader.option("timestampAsOf", f"{text}.{millis:03d}")
    return reader.load(path(job))


def quoted(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def rows(job):
    frame, where = loaded(job), job.get("where")
    if where is not None:
        frame = frame.where(f"`{where['column']}` {sql_where(where, quoted, 'TIMESTAMP')}")
    if "columns" in job:
        frame = frame.select(*[f"`{name}`" for name in job["columns"]])
    return answer(frame.toArrow())


def each(job):
    frames = []
    for index, where in enumerate(job["wheres"]):
        condition = f"`{where['column']}` {sql_where(where, quoted, 'TIMESTAMP')}"
        frames.append(loaded(job).where(condition).selectExpr(f"{index} AS query", f"`{job['column']}` AS value"))
    # One job for all: each still leaves out files for itself.
    found = reduce(lambda one, other: one.unionAll(other), frames).toArrow()
    queries, column = found.column("query").to_pylist(), found.column("value").to_pylist()
    return [[value for query, value in zip(queries, column) if query == index] for index in range(len(frames))]


def detail(job):
    entry = spark.sql(f"DESCRIBE DETAIL delta.`{path(job)}`").first()
    return {
        "id": entry["id"],
        "partitionColumns": entry["partitionColumns"],
        "createdMs": round(entry["createdAt"].timestamp() * 1000),
        "properties": entry["properties"],
        "files": entry["numFiles"],
        "protocol": [entry["minReaderVersion"], entry["minWriterVersion"]],
        "schema": loaded(job).schema.json(),
    }


def history(job):
    return [
        {"version": entry["version"], "operation": entry["operation"], "timestampMs": round(entry["timestamp"].timestamp() * 1000)}
        for entry in spark.sql(f"DESCRIBE HISTORY delta.`{path(job)}`").collect()
    ]


def sql(job):
    for statement in job["statements"]:
        result = answer(spark.sql(statement).toArrow())
    return result


serve({"rows": rows, "each": each, "detail": detail, "history": history, "sql": sql})
spark.stop()
