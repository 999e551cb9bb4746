"""See inside: pictures and the report of a run. Nothing here changes the model it looks at."""

from striate.look.report import write_report as write_report
