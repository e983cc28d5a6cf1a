"""Runs a plan (plan.ts) of SQL models on Spark: `python driver.py plan.json`, with stdin open for as long as it should run.

A model's rows go to <dir>/<model>/ as Parquet, and the models after it read them there, but for those that are views. Tells on stdout, a JSON line each, what it
did: {"started": …}, {"model": …, "seconds": …}, or {"failed": …, "message": …} last; Spark's own log is on stderr.
Nothing but pyspark is needed, on this machine only: executors run no Python.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

MASTER_WITHIN_S = 10
EXECUTORS_WITHIN_S = 60
OLDEST_JAVA = 17


def tell(**what):
    print(json.dumps(what), flush=True)


def fail(kind, message, **more):
    tell(failed=kind, message=message, **more)
    sys.stdout.flush()
    # Without waiting for a session that may be half there; its JVM ends when our end of its pipe closes.
    os._exit(1)


def end_with_parent():
    """Ends this process and all that it started once nobody holds the other end of stdin."""

    def wait():
        while os.read(0, 4096):
            pass
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=wait, daemon=True).start()


def check_java():
    home = os.environ.get("JAVA_HOME")
    java = os.path.join(home, "bin", "java") if home else "java"
    if shutil.which(java) is None:
        fail("java", f"Spark needs Java {OLDEST_JAVA} or newer, and there is no {java}")
    said = subprocess.run([java, "-version"], capture_output=True, text=True, stdin=subprocess.DEVNULL).stderr
    found = re.search(r'version "(?:1\.)?(\d+)', said)
    if found is None or int(found.group(1)) < OLDEST_JAVA:
        fail("java", f"Spark needs Java {OLDEST_JAVA} or newer, and {java} is {found.group(1) if found else 'none'}")


def check_master(master):
    """Spark itself would try for a minute, and say that somebody called None."""
    if not master.startswith("spark://"):
        return
    told = []
    for place in master.removeprefix("spark://").split(","):
        host, _, port = place.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=MASTER_WITHIN_S).close()
            return
        except (OSError, ValueError) as error:
            told.append(f"{place}: {error}")
    fail("start", "; ".join(told))


def first_line(error):
    """What went wrong, of all that Spark says about it: the named error, else the innermost cause."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    named = re.search(r"\[[A-Z][A-Z0-9_.]+\] .*", "\n".join(lines))
    causes = [line for line in lines if line.startswith("Caused by: ")]
    if named or causes:
        return named.group(0) if named else causes[-1][11:]
    # Py4J says first that a call failed, and then of what.
    said = [line.removeprefix(": ") for line in lines if not line.startswith("An error occurred while calling")]
    return said[0] if said else type(error).__name__


def open_session(plan):
    try:
        import pyspark
        from pyspark.sql import SparkSession
    except ImportError as error:
        fail("pyspark", f"{sys.executable or 'Python'} has no pyspark ({error})")
    if int(pyspark.__version__.split(".")[0]) < 4:
        fail("pyspark", f"{sys.executable} has pyspark {pyspark.__version__}, which is too old")
    check_java()
    check_master(plan["master"])
    try:
        builder = SparkSession.builder.master(plan["master"]).appName("readflow")
        for key, value in plan["conf"].items():
            builder = builder.config(key, value)
        spark = builder.getOrCreate()
    except Exception as error:
        fail("start", first_line(error))
    spark.sparkContext.setLogLevel("WARN")
    wait_for_executors(spark, plan["master"])
    tell(started=pyspark.__version__, master=plan["master"])
    return spark


def wait_for_executors(spark, master):
    if re.match(r"local(\[|$)", master):
        return
    deadline = time.monotonic() + EXECUTORS_WITHIN_S
    # The driver is one of them.
    while len(spark.sparkContext._jsc.sc().statusTracker().getExecutorInfos()) < 2:
        if time.monotonic() > deadline:
            fail("start", f"it gave no executor within {EXECUTORS_WITHIN_S} s")
        time.sleep(0.1)


def escaped(path):
    """A path that Hadoop takes as it stands and not as a pattern."""
    return "file://" + re.sub(r"([*?\[\]{}\\])", r"\\\1", path)


def create_relation(spark, relation):
    """A view of Parquet files, whatever columns each has; `constants` are columns that stand in the table's log."""
    from pyspark.sql import functions

    parts = []
    for group in relation["groups"]:
        frame = spark.read.schema(relation["schema"]).parquet(*[escaped(path) for path in group["files"]])
        for column, (value, kind) in group["constants"].items():
            frame = frame.withColumn(column, functions.lit(value).cast(kind))
        parts.append(frame)
    frame = parts[0]
    for other in parts[1:]:
        frame = frame.unionByName(other)
    frame.createOrReplaceTempView(relation["name"])


def run_model(spark, plan, model):
    target = os.path.join(plan["dir"], model["name"])
    frame = spark.sql(model["sql"])
    if model["isView"]:
        frame.createOrReplaceTempView(model["name"])
        return
    if model["isExplained"]:
        text = spark._jvm.PythonSQLUtils.explainString(frame._jdf.queryExecution(), "formatted")
        with open(target + ".plan.txt", "w", encoding="utf-8") as file:
            file.write(text)
    columns = model["clusteredBy"]
    # Few files: Hadoop starts a process for each that it makes in a local file system.
    rows = frame.hint("rebalance", *columns).sortWithinPartitions(*columns) if columns else frame
    rows.write.parquet("file://" + target)
    spark.read.schema(frame.schema).parquet(escaped(target)).createOrReplaceTempView(model["name"])


def main():
    end_with_parent()
    with open(sys.argv[1], encoding="utf-8") as file:
        plan = json.load(file)
    spark = open_session(plan)
    name = "the inputs"
    try:
        for relation in plan["relations"]:
            name = relation["name"]
            create_relation(spark, relation)
        for view in plan["views"]:
            name = view["name"]
            spark.sql(view["sql"]).createOrReplaceTempView(name)
        name = "functions"
        for statement in plan["functions"]:
            spark.sql(statement)
        for model in plan["models"]:
            name = model["name"]
            began = time.monotonic()
            run_model(spark, plan, model)
            tell(model=name, seconds=round(time.monotonic() - began, 3))
    except Exception as error:
        fail("model", first_line(error), model=name)
    spark.stop()


main()
