"""Configuration of the documentation; ``make docs`` builds it, without a network."""

import os

# The examples are small: more threads would only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml

import skgex

project = "skgex"
author = "The skgex developers"
copyright = "The skgex developers"
version = release = skgex.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "_templates"]
templates_path = ["_templates"]

# -- pages: Markdown ---------------------------------------------------------------------------
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
html_math_renderer = "mathml"

# -- API: one page a public name ---------------------------------------------------------------
autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
# Docstrings must agree with signatures. Records are returned, not made: they have attributes only.
numpydoc_validation_checks = {"GL08", "PR01", "PR02", "PR03", "RT01", "SS01"}
numpydoc_validation_exclude = {
    r"\.(AlignmentReport|FiveByTwoResult|GeneSetAgreement|GeneSummary|MethodResult)$",
    r"\.(Enrichment|ModuleEnrichment|ModuleMatch|ModuleSizes|ProfileSplit|TwoSampleResult)$",
    r"\.(LandmarkRelevance|PerturbedGenes|Realism)$",
}

# -- gallery -----------------------------------------------------------------------------------
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "within_subsection_order": "FileNameSortKey",
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "remove_config_comments": True,
    "capture_repr": ("_repr_html_",),  # tables, but not <object at 0x...>
}

# -- looks -------------------------------------------------------------------------------------
html_theme = "pydata_sphinx_theme"
html_title = "skgex"
html_static_path = ["_static"]
html_css_files = ["skgex.css"]
html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": "skgex"},
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {  # nothing to navigate in a section of one page
    page: [] for page in ("index", "getting_started", "benchmarks", "contributing", "changelog")
}


# -- what Sphinx cannot be told by a setting ---------------------------------------------------
def _visit_math(as_block):
    def visit(translator, node):
        translator.body.append(tex2mathml(node.astext(), as_block=as_block))
        raise nodes.SkipNode

    return visit


def _skip_inherited(app, what, name, obj, skip, options):
    """What scikit-learn's base classes add to every estimator is documented there."""
    return True if (getattr(obj, "__module__", None) or "").startswith("sklearn.") else None


def setup(app):
    # Every browser shows MathML, and no script is fetched from elsewhere.
    app.add_html_math_renderer("mathml", (_visit_math(False), None), (_visit_math(True), None))
    app.connect("autodoc-skip-member", _skip_inherited)
