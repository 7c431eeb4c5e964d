"""What the pages of all reports share: one HTML file that needs nothing else."""

from base64 import b64encode
from html import escape
from string import Template
from typing import NamedTuple


class Story(NamedTuple):
    """What a page says beside the figures.

    Attributes
    ----------
    title : str
    verdict : tuple of (str, list of str)
        Headline and sentences.
    facts : dict of str to str
        What was done: data, split, seed, versions.
    caveats : list of str
        How far the figures reach.
    """

    title: str
    verdict: tuple
    facts: dict
    caveats: list


class Picture(NamedTuple):
    """A picture of a page."""

    file: str
    title: str
    caption: str
    png: bytes


_FRAME = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { color-scheme: light; }
body { font: 16px/1.55 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif;
  color: #222; background: #fff; max-width: 60rem; margin: 2rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.3rem; font-weight: 600; color: #555; margin: 0 0 1rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .6rem; }
p { margin: .5rem 0; max-width: 48rem; }
.verdict { font-size: 1.5rem; line-height: 1.4; font-weight: 600; max-width: none; }
.lead { font-size: 1.08rem; }
.bar { display: flex; height: 2rem; margin: 1rem 0 .4rem; border-radius: 4px; overflow: hidden; }
.bar div { min-width: 2px; }
.key { list-style: none; padding: 0; margin: 0 0 1.25rem; display: grid;
  grid-template-columns: repeat(auto-fit, minmax(22rem, 1fr)); gap: .1rem 1.5rem; }
.key i { display: inline-block; width: .85em; height: .85em; border-radius: 2px;
  margin-right: .45em; vertical-align: -1px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.25rem;
  font-size: .92rem; border-top: 1px solid #ddd; padding-top: .8rem; }
dt { color: #6e6e6e; } dd { margin: 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: #555; padding-bottom: .3rem; }
th, td { text-align: right; padding: .35rem .8rem; border-bottom: 1px solid #e4e4e4; }
th { font-weight: 600; font-size: .9rem; border-bottom: 2px solid #999; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
tr.best td { font-weight: 600; background: #eaf4fb; } tr.mean td { color: #6e6e6e; }
figure { margin: 1.5rem 0 2.2rem; } img { max-width: 100%; height: auto; }
figcaption { max-width: 48rem; color: #444; }
.note { background: #fff7e6; border-left: 4px solid #e69f00; padding: .6rem 1rem; }
.small { font-size: .9rem; color: #555; }
$style</style>
</head>
<body>
<h1>$title</h1>
$body
</body>
</html>
""")


def frame(title, body, style=""):
    """A whole page.

    Parameters
    ----------
    title : str
    body : str
        HTML.
    style : str
        Rules of this page alone, in addition to those of all.

    Returns
    -------
    str
    """
    return _FRAME.substitute(title=escape(title), body=body, style=style)


def facts(named):
    """What was done, as a list of names and values."""
    listed = (f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in named.items())
    return f"<dl>{''.join(listed)}</dl>"


def note(sentences):
    """Paragraphs that stand out."""
    return f'<div class="note">{"".join(f"<p>{escape(text)}</p>" for text in sentences)}</div>'


def table(caption, head, rows, marks=None):
    """A table, the first column of which names its rows.

    Parameters
    ----------
    caption : str
    head : sequence of str
    rows : sequence of sequence of str
        HTML.
    marks : sequence of str, default=None
        Classes of the rows.

    Returns
    -------
    str
    """
    head = "".join(f"<th>{escape(name)}</th>" for name in head)
    lines = (
        "<tr"
        + (f' class="{mark}"' if mark is not None else "")
        + ">"
        + "".join(f"<td>{cell}</td>" for cell in row)
        + "</tr>"
        for mark, row in zip(marks or [None] * len(rows), rows, strict=True)
    )
    return (
        f'<div class="scroll"><table><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def figure(picture):
    """A picture within the page, with its title and caption."""
    source = b64encode(picture.png).decode("ascii")
    title = escape(picture.title)
    return (
        f'<figure><h3>{title}</h3><img alt="{title}" src="data:image/png;base64,{source}">'
        f"<figcaption>{escape(picture.caption)}</figcaption></figure>"
    )
