"""The page that compares methods."""

from html import escape
from string import Template

from skgex.cli._html import facts, figure, frame, note, table
from skgex.cli._results import HEADERS, is_distinguishable, ranked, tables
from skgex.plotting._style import RELIABILITY_COLORS

_MEANING = {
    "high": "follows the measured values",
    "medium": "shows the trend, not the value",
    "low": "a weak hint",
    "none": "no better than the gene's mean",
    "undefined": "constant in the test profiles",
}

# From so many on, the standard error of a concordance of 0.75 is below 0.1.
_ENOUGH_PROFILES = 30

_BODY = Template("""$verdict
$facts
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
$caveats""")


def page(results, pictures, story):
    """Return the page as text.

    Parameters
    ----------
    results : list of Judged
    pictures : list of Picture
    story : Story
    """
    body = _BODY.substitute(
        verdict=_verdict(results, *story.verdict),
        facts=facts(story.facts),
        tables="".join(_table(title, rows) for title, rows in tables(results)),
        pictures="".join(map(figure, pictures)),
        caveats=note(story.caveats),
    )
    return frame(story.title, body)


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


def _table(title, rows):
    marks = ["best", *[""] * (len(rows) - 2), "mean"]
    return table(f"On {title}", HEADERS, [map(escape, row) for row in rows], marks)
