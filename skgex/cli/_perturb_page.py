"""The page that shows what turns profiles into another state."""

from html import escape
from string import Template

from skgex._utils._naming import two_digits
from skgex.cli._html import facts, figure, frame, note, table
from skgex.cli._perturb_verdict import CRITERIA, MEASURES

_STYLE = """.measures td { vertical-align: top; } .measures td:first-child { width: 44%; }
.measures th + th, .measures td + td { padding: .35rem .45rem; }
.measures td:nth-child(3) { background: #eaf4fb; font-weight: 600; }
.measures td:nth-child(2) { color: #6e6e6e; }
.measures td i { display: block; font-size: .88rem; line-height: 1.35; color: #555;
  font-style: normal; }
.sets td { text-align: left; vertical-align: top; }
.sets th { text-align: left; }
"""

_BODY = Template("""$verdict
$facts
<h2>Do they look real?</h2>
$map
<h3>What was measured</h3>
$realism
<p class="small">Beside TSPG stands the <b>transport map</b>, which moves means and covariances of
one state to those of the other and trains nothing; and what needs no method at all:
<b>identity</b>, the profiles as they are; the <b>constant mean</b> of the target, given for every
sample; the <b>mean difference</b> of two states, added to each profile; and a <b>Gaussian
draw</b>, random profiles of the target&rsquo;s mean and covariance. A column is worth something if
it is close to the ideal in all rows, not in the first four alone. $criteria</p>
<h2>What changes</h2>
$genes
$sets
<h2>How far this reaches</h2>
$caveats
<p class="small">Beside this page lie its tables, with more digits and rows: $files.</p>""")


def page(result, sets, pictures, story, files):
    """Return the page as text.

    Parameters
    ----------
    result : Perturbed
    sets : tuple of (Enrichment, Enrichment) or None
        What is enriched in the genes of all states together, and of every state.
    pictures : dict of str to Picture
    story : Story
    files : list of str
        Names of the tables beside the page.
    """
    headline, sentences = story.verdict
    shown = {name: figure(picture) for name, picture in pictures.items()}
    body = _BODY.substitute(
        verdict=f'<p class="verdict">{escape(headline)}</p>'
        + "".join(f'<p class="lead">{escape(text)}</p>' for text in sentences),
        facts=facts(story.facts),
        realism=_realism(result.realism),
        criteria=escape(CRITERIA),
        map=shown["state_map"],
        genes="".join(shown[name] for name in ("transition", "perturbed_genes") if name in shown),
        sets=_sets(result, sets, shown),
        caveats=note(story.caveats),
        files=", ".join(files),
    )
    return frame(story.title, body, _STYLE)


def _realism(found):
    """The table of realism, a row a measure with what it means."""
    head = ["", "ideal", *found.table["method"]]
    rows = []
    for measure, (ideal, words) in MEASURES.items():
        ideal = two_digits(found.correlation_ceiling) if ideal is None else ideal
        words = escape(words.format(target=found.target))
        values = map(two_digits, found.table[measure])
        rows.append([f"<b>{measure}</b><i>{words}</i>", ideal, *values])
    title = (
        f"{found.n_perturbed:,} held-out profiles of {found.n_states} "
        f"{'states' if found.n_states > 1 else 'state'} made {found.target}, beside "
        f"{found.n_real:,} real ones that were held out too"
    )
    return f'<div class="measures">{table(title, head, rows)}</div>'


def _sets(result, sets, shown):
    """Enrichment, and the table of fits on single sets."""
    parts = []
    if sets is not None:
        _, by_state = sets
        parts.append(shown["enrichment"])
        if by_state is not None:
            parts.append(_most_enriched(by_state, result.genes.states.tolist()))
    if len(result.sets) > 1:
        parts.append(_fits(result))
    return "".join(["<h2>Gene sets</h2>" * bool(parts), *parts])


def _most_enriched(found, states):
    """The most enriched set of every source state and direction."""
    rows = []
    for state in states:
        cells = []
        for direction in ("raised", "lowered"):
            own = found.table[found.table["list"] == f"{direction}: {state}"]
            own = own[own["q_value"] < 0.05]
            best = next(own.itertuples(), None)
            cells.append("–" if best is None else _enriched(best, len(own)))
        rows.append([escape(state), *cells])
    title = (
        "The most enriched set of the genes raised and lowered most in every state (q < 0.05 over "
        f"all {found.n_tests:,} tests of lists with sets)"
    )
    if all(cell == "–" for row in rows for cell in row[1:]):
        return (
            '<p class="small">Taken state by state, no set is enriched (all q &ge; 0.05 over '
            f"{found.n_tests:,} tests of lists with sets).</p>"
        )
    return f'<div class="sets">{table(title, ["state", "raised", "lowered"], rows)}</div>'


def _enriched(best, n):
    more = f"; {n - 1:,} more" * (n > 1)
    name = escape(best.set).replace("_", "_<wbr>")
    return f"{name} ({best.overlap} of {best.set_size}, q = {best.q_value:.2g}{more})"


def _fits(result):
    head = ["gene set", "genes", "training", "held out", "held out, other states"]
    head += ["variance", "auc"]
    rows = [
        [
            escape(row.gene_set).replace("_", "_<wbr>"),
            f"{row.n_genes:,}"
            + f" of {row.n_genes + row.n_unmeasured:,}" * (row.n_unmeasured > 0),
            *(f"{share:.1%}" for share in (row.train, row.held_out, row.held_out_others)),
            two_digits(row.variance),
            two_digits(row.auc),
        ]
        for row in result.sets.itertuples()
    ]
    target = result.tspg.target_
    title = f"One fit on the genes of each set: share of the perturbed profiles called {target}"
    return (
        f"<h3>Which sets suffice</h3>{table(title, head, rows)}"
        '<p class="small">&ldquo;Held out&rdquo; counts the profiles of the target state too, '
        "&ldquo;other states&rdquo; does not. The shares alone prove nothing: with few genes as "
        "with many, nearly any set tells states apart, and a net is easily convinced. Variance "
        "and auc mean what they mean above (ideal: 1 and 0.5).</p>"
    )
