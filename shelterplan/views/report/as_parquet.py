"""A report as GeoParquet: one file a table, in a folder or in a ZIP archive."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from shelterplan.views.report.as_csv import archive

if TYPE_CHECKING:
    import pandas as pd

    from shelterplan.views.report.contents import Report


def to_parquet(report: Report) -> dict[str, bytes]:
    """Return each table as the bytes of a file, by its name; the same for the same report.

    Tables with places are GeoParquet. The files' metadata have the facts under `shelterplan`.
    """
    facts = json.dumps(report.facts.texts(), ensure_ascii=False, sort_keys=True).encode()
    return {f"{name}.parquet": _file(table, facts) for name, table in report.tables.items()}


def to_zip(report: Report) -> bytes:
    """Return the same files in one ZIP archive."""
    return archive(to_parquet(report))


def _file(table: pd.DataFrame, facts: bytes) -> bytes:
    stream = io.BytesIO()
    table.to_parquet(stream, index=False)
    read = pq.read_table(io.BytesIO(stream.getvalue()))
    said = {**(read.schema.metadata or {}), b"shelterplan": facts}
    marked = io.BytesIO()
    pq.write_table(pa.Table.replace_schema_metadata(read, said), marked, compression="zstd")
    return marked.getvalue()
