"""What fitted models have learned, held against what is known of genes."""

from skgex.inspection._enrichment import Enrichment, enrichment
from skgex.inspection._gene_sets import GeneSetAgreement, gene_set_agreement
from skgex.inspection._module_enrichment import ModuleEnrichment, module_enrichment
from skgex.inspection._modules import (
    ModuleMatch,
    ModuleSizes,
    match_modules,
    module_genes,
    module_sizes,
    module_stability,
)
from skgex.inspection._perturbed_genes import PerturbedGenes, perturbed_genes
from skgex.inspection._realism import Realism, realism
from skgex.inspection._relevance import LandmarkRelevance, landmark_relevance

__all__ = [
    "enrichment",
    "gene_set_agreement",
    "landmark_relevance",
    "match_modules",
    "module_enrichment",
    "module_genes",
    "module_sizes",
    "module_stability",
    "perturbed_genes",
    "realism",
    "Enrichment",
    "GeneSetAgreement",
    "LandmarkRelevance",
    "ModuleEnrichment",
    "ModuleMatch",
    "ModuleSizes",
    "PerturbedGenes",
    "Realism",
]
