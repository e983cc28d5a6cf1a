"""DuckDB's own `delta` extension as a reader."""

import os
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlparse

import duckdb

from canonical import answer, serve, sql_where, standard_quoted


def extension(name):
    """The extension as PyPI has it: DuckDB's own download is another host."""
    folder = Path(find_spec(f"duckdb_extension_{name}").origin).parent
    return next((folder / "extensions" / f"v{duckdb.__version__}").glob("*.duckdb_extension"))


db = duckdb.connect(config={"autoinstall_known_extensions": False, "autoload_known_extensions": False})
db.execute("SET TimeZone = 'UTC'")
for name in ("httpfs", "delta"):
    db.execute(f"LOAD '{extension(name)}'")
if "AWS_ENDPOINT_URL" in os.environ:
    endpoint = urlparse(os.environ["AWS_ENDPOINT_URL"])
    db.execute(
        "CREATE SECRET (TYPE s3, KEY_ID $key, SECRET $secret, REGION 'us-east-1', ENDPOINT $endpoint, "
        "URL_STYLE 'path', USE_SSL false)".replace("$key", repr(os.environ["AWS_ACCESS_KEY_ID"]))
        .replace("$secret", repr(os.environ["AWS_SECRET_ACCESS_KEY"]))
        .replace("$endpoint", repr(endpoint.netloc))
    )


def scan(job):
    version = f", version => {job['version']}" if "version" in job else ""
    return f"delta_scan('{job['table']}'{version})"


def rows(job):
    where = job.get("where")
    names = ", ".join(f'"{name}"' for name in job["columns"]) if "columns" in job else "*"
    condition = f"WHERE \"{where['column']}\" {sql_where(where, standard_quoted, 'TIMESTAMPTZ')}" if where else ""
    return answer(db.execute(f"SELECT {names} FROM {scan(job)} {condition}").fetch_arrow_table())


def each(job):
    found = [rows({**job, "columns": [job["column"]], "where": where})["rows"] for where in job["wheres"]]
    return [[int(value) for (value,) in one] for one in found]


serve({"rows": rows, "each": each})
