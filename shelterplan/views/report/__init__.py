"""One document for a council or a newspaper: the same numbers in every format.

`report` works everything out once; `formats.in_format` returns it as a file.
"""

from shelterplan.views.report.contents import Proposed, Report, ReportError, report

__all__ = ["Proposed", "Report", "ReportError", "report"]
