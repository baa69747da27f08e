"""The report of a search: plotly figures, cell drawings and one self-contained HTML file."""

from __future__ import annotations

from smbo_nas.report.diagram import draw_graph
from smbo_nas.report.page import write_report
from smbo_nas.report.reader import CandidateRecord, Run, Summary, read_run

__all__ = ["CandidateRecord", "Run", "Summary", "draw_graph", "read_run", "write_report"]
