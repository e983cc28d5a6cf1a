#!/usr/bin/env bash
# The other engines that read our tables in tests: Python clients, DuckDB's extensions and Spark in a virtual
# environment, Spark's jars from Maven (22 MB). Needs python3 with venv, Maven and Java 17; takes two minutes the first
# time and nothing after. Prints what the tests look for, for `eval`.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
cache="${XDG_CACHE_HOME:-$HOME/.cache}/readflow"
venv="$cache/python"
jars="$cache/spark-jars"
mkdir -p "$cache"

# A stamp holds what was asked for when it was last installed in full.
if ! cmp -s "$here/requirements.txt" "$venv/installed.txt"; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --requirement "$here/requirements.txt" >&2
  cp "$here/requirements.txt" "$venv/installed.txt"
fi
if ! cmp -s "$here/spark.pom.xml" "$jars/installed.xml"; then
  rm -rf "$jars"
  mvn -B -q -f "$here/spark.pom.xml" initialize -Dspark.jars.dir="$jars" >&2
  cp "$here/spark.pom.xml" "$jars/installed.xml"
fi
printf 'export READFLOW_TEST_PYTHON=%q READFLOW_TEST_SPARK_JARS=%q\n' "$venv/bin/python" "$jars"
