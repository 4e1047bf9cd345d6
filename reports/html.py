"""A report as one HTML file that needs nothing else: styles, drawings and the typeface are in it."""

from __future__ import annotations

import base64
from html import escape, unescape
from importlib import resources

from citywall import typeface
from citywall.i18n import tr
from reports.view import Row, Shown, Table, View

# Nothing is fetched, nothing runs: names from the network can at worst be read.
_POLICY = (
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
    'font-src data:">\n'
)


def page(shown: View) -> bytes:
    """The page; the same view gives the same bytes."""
    body = _body(shown)
    font = base64.b64encode(typeface.subset(frozenset(unescape(body)))).decode()
    style = resources.files("reports").joinpath("style.css").read_text("utf-8")
    return "".join(
        (
            "<!doctype html>\n",
            f'<html lang="{"zh-CN" if shown.language == "zh" else "en"}">\n<head>\n<meta charset="utf-8">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            _POLICY,
            f"<title>{_text(shown.title)}</title>\n<style>\n",
            f'@font-face{{font-family:"{typeface.FAMILY}";',
            f'src:url(data:font/woff;base64,{font}) format("woff")}}\n',
            style,
            "</style>\n</head>\n<body>\n",
            body,
            "</body>\n</html>\n",
        )
    ).encode()


def _body(shown: View) -> str:
    parts = [f"<header><h1>{_text(shown.title)}</h1><p>{_text(shown.subtitle)}</p></header>\n<dl>"]
    parts += [f"<div><dt>{_text(name)}</dt><dd>{_text(value)}</dd></div>" for name, value in shown.summary]
    parts.append("</dl>\n<main>\n")
    for part in shown.parts:
        parts.append(f"<section><h2>{_text(part.title)}</h2>\n")
        parts += [_figure(figure) for figure in part.figures]
        parts.append("</section>\n")
    parts.append(_clauses(shown))
    parts.append(f"</main>\n<footer><h2>{_text(tr('report.notes', shown.language))}</h2><ul>")
    parts += [f"<li>{_text(note)}</li>" for note in shown.notes]
    parts.append("</ul></footer>\n")
    return "".join(parts)


def _figure(figure: Shown) -> str:
    badge = f'<span class="state {figure.state}">{_text(figure.told)}</span>'
    parts = [f'<figure id="{escape(figure.id)}"><h3>{_text(figure.title)} {badge}</h3>']
    if figure.reasons:
        parts.append(_list(figure.reasons))
    if figure.svg:
        parts.append(typeface.visible(figure.svg))
    if figure.table:
        parts.append(_table(figure.table))
    parts.append(f"<figcaption>{_text(figure.source)}</figcaption></figure>\n")
    return "".join(parts)


def _table(table: Table) -> str:
    def cells(row: tuple[str, ...], tag: str) -> str:
        return "".join(
            f"<{tag}{' class=n' if number else ''}>{_text(text)}</{tag}>"
            for text, number in zip(row, table.numbers, strict=True)
        )

    rows = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in table.rows)
    return f"<table><thead><tr>{cells(table.titles, 'th')}</tr></thead><tbody>{rows}</tbody></table>"


def _clauses(shown: View) -> str:
    titles = "".join(f"<th>{_text(title)}</th>" for title in shown.clause_titles)
    rows = "".join(map(_clause, shown.rows))
    return (
        f'<section id="clauses"><h2>{_text(shown.clauses_title)}</h2><p>{_text(shown.clauses_about)}</p>'
        f"<table><thead><tr>{titles}</tr></thead><tbody>{rows}</tbody></table></section>\n"
    )


def _clause(row: Row) -> str:
    queries = "".join(f' <a href="#{escape(q)}">{escape(q)}</a>' for q in row.queries)
    return (
        f"<tr><td><b>{_text(row.id)}</b><br>{_text(row.control)}</td><td>{_text(row.text)}</td>"
        f'<td><span class="state {row.verdict}">{_text(row.told)}</span></td>'
        f"<td>{_list(row.reasons)}<small>{queries}</small></td></tr>"
    )


def _list(texts: tuple[str, ...]) -> str:
    return f"<ul>{''.join(f'<li>{_text(text)}</li>' for text in texts)}</ul>"


def _text(text: str) -> str:
    return escape(typeface.visible(text))
