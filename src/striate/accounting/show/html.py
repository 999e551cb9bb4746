"""An account as an HTML table, for notebooks."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from striate.accounting.show.fold import lines
from striate.accounting.show.table import COLUMNS, footer, title

if TYPE_CHECKING:
    from striate.accounting.rows import Account

_LEFT, _RIGHT = ' style="text-align:left"', ' style="text-align:right;font-variant-numeric:tabular-nums"'


def to_html(account: Account) -> str:
    """The table without empty columns, identical blocks shown once; its only style is alignment, so it suits any page.

    >>> from striate.accounting.rows import account
    >>> from striate.networks import find
    >>> to_html(account(find("lenet5"))).count("<tr>")
    16
    """
    totals, shown = account.totals, lines(account.rows)
    cells = [[column.cell(line, totals) for column in COLUMNS] for line in shown]
    kept = [place for place in range(len(COLUMNS)) if any(row[place] for row in cells)]
    columns = [COLUMNS[place] for place in kept]
    head, *source = title(account, 999)
    parts = [f"<p><b>{escape(head)}</b>{''.join(f'<br>{escape(line)}' for line in source)}</p>", "<table>"]
    parts.append(_row("th", [(column.heading, column.left) for column in columns]))
    for line, row in zip(shown, cells, strict=True):
        parts.append(_row("td", [(row[place], COLUMNS[place].left) for place in kept]))
        if line.unseen is not None:
            parts.append(f'<tr><td colspan="{len(kept)}"{_LEFT}>└ {escape(str(line.unseen))}</td></tr>')
    parts.append(_row("th", [(column.total(totals), column.left) for column in columns]))
    notes = "<br>".join(escape(text) for text in footer(account, columns, shown, 999))
    return "\n".join([*parts, "</table>", f"<p><small>{notes}</small></p>"])


def _row(tag: str, cells: list[tuple[str, bool]]) -> str:
    return f"<tr>{''.join(f'<{tag}{_LEFT if left else _RIGHT}>{escape(text)}</{tag}>' for text, left in cells)}</tr>"
