"""The report's page: one HTML file that needs nothing else."""

from base64 import b64encode
from html import escape
from string import Template
from typing import NamedTuple

from skgex.cli._results import HEADERS, is_distinguishable, ranked, tables
from skgex.plotting._style import RELIABILITY_COLORS


class Picture(NamedTuple):
    """A picture of the page."""

    file: str
    title: str
    caption: str
    png: bytes


_MEANING = {
    "high": "follows the measured values",
    "medium": "shows the trend, not the value",
    "low": "a weak hint",
    "none": "no better than the gene's mean",
    "undefined": "constant in the test profiles",
}

# From so many on, the standard error of a concordance of 0.75 is below 0.1.
_ENOUGH_PROFILES = 30

_PAGE = Template("""<!DOCTYPE html>
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
</style>
</head>
<body>
<h1>$title</h1>
$verdict
<dl>$facts</dl>
<h2>The figures</h2>
$tables
<p class="small">MAE is the mean absolute error in the units of the data, averaged over genes; SD
is its spread over genes. &ldquo;Relative to mean&rdquo; divides it by the error of guessing each
gene&rsquo;s training mean, which is the last row; the first picture shows this ratio gene by
gene. CC is Lin&rsquo;s concordance (1: inferred equals measured). Fit seconds are for the chosen
settings alone. A gene&rsquo;s reliability is high where its concordance is at least 0.75 and its
error at most 65 % of the mean predictor&rsquo;s, medium at 0.4 and 90 %, low at 0.1 and 100 %.</p>
<h2>The pictures</h2>
$pictures
<h2>How far this reaches</h2>
<div class="note">$caveats</div>
</body>
</html>
""")


def page(results, pictures, story):
    """Return the page as text.

    Parameters
    ----------
    results : list of Judged
    pictures : list of Picture
    story : Story
    """
    return _PAGE.substitute(
        title=escape(story.title),
        verdict=_verdict(results, *story.verdict),
        facts="".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in story.facts.items()),
        tables="".join(_table(*table) for table in tables(results)),
        pictures="".join(map(_figure, pictures)),
        caveats="".join(f"<p>{escape(text)}</p>" for text in story.caveats),
    )


def verdict(results, y_true, groups=None):
    """The outcome in plain words: a headline and the sentences under it.

    ``groups`` are those of the test profiles, if whole groups were held out.
    """
    best, *others = ranked(results)
    counts, n_genes = best.reliability, int(best.distinct.sum())
    trusted = (
        f"{counts['high']:,} of {n_genes:,} inferred genes ({counts['high'] / n_genes:.0%}) can "
        f"be trusted, another {counts['medium']:,} show the trend; the rest should not be read "
        "one by one."
    )
    if counts["undefined"] == n_genes:
        trusted = "No gene varies among the test profiles: which to trust cannot be told."
    elif len(y_true) < _ENOUGH_PROFILES:
        trusted += f" With only {len(y_true)} test profiles, that is a rough guess."
    sentences = [
        trusted,
        f"The error of {best.name} is {best.relative:.0%} of that of guessing every gene's mean "
        f"(MAE {best.mae:.3g}).",
    ]
    headline = f"{best.name} infers best."
    if others:
        second, is_clear = others[0], is_distinguishable(best, others[0], y_true, groups)
        units = "profiles" if groups is None else "groups"
        behind = f"{second.name} is {second.mae / best.mae - 1:.1%} behind, "
        if is_clear is None:
            sentences.append(f"{behind}but fewer than three test {units} cannot tell from chance.")
        elif is_clear:
            sentences.append(f"{behind}more than the choice of test {units} explains.")
        else:
            headline = f"{best.name} infers best, {second.name} just as well."
            sentences.append(f"{behind}no more than the choice of test {units} explains.")
    elif best.relative < 1:
        headline = f"{best.name} errs {1 - best.relative:.0%} less than each gene's mean does."
    if best.relative >= 1:
        headline = "No method is better than each gene's mean."
    return headline, sentences


def _verdict(results, headline, sentences):
    trusted, *others = sentences
    counts = ranked(results)[0].reliability
    total = sum(counts.values())
    counts = {word: n for word, n in counts.items() if n}
    bar = "".join(
        f'<div style="flex:{n};background:{RELIABILITY_COLORS[word]}" '
        f'title="{word}: {n:,} genes"></div>'
        for word, n in counts.items()
    )
    key = "".join(
        f'<li><i style="background:{RELIABILITY_COLORS[word]}"></i><b>{word}</b>: {n:,} genes '
        f"({n / total:.0%}), {_MEANING[word]}</li>"
        for word, n in counts.items()
    )
    return (
        f'<p class="verdict">{escape(headline)}<br>{escape(trusted)}</p>'
        f'<p class="lead">{escape(" ".join(others))}</p>'
        f'<div class="bar">{bar}</div><ul class="key">{key}</ul>'
    )


def _table(title, body):
    head = "".join(f"<th>{escape(name)}</th>" for name in HEADERS)
    marks = ["best", *[""] * (len(body) - 2), "mean"]
    lines = (
        f'<tr class="{mark}">' + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
        for mark, row in zip(marks, body, strict=True)
    )
    return (
        f'<div class="scroll"><table><caption>On {escape(title)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def _figure(picture):
    source = b64encode(picture.png).decode("ascii")
    title = escape(picture.title)
    return (
        f'<figure><h3>{title}</h3><img alt="{title}" src="data:image/png;base64,{source}">'
        f"<figcaption>{escape(picture.caption)}</figcaption></figure>"
    )
