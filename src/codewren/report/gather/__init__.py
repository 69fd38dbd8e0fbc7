"""Stage: what came out, as one page to show and one card to ship."""

from codewren.report.gather.pages import gathered as gathered
from codewren.report.gather.pages import write_report as write_report
