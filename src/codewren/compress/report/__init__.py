"""Stage: what came out, as one page to show and one card to ship."""

from codewren.compress.report.pages import gathered as gathered
from codewren.compress.report.pages import write_report as write_report
