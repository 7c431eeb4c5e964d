"""What fitted models have learned, held against what is known of genes."""

from skgex.inspection._gene_sets import GeneSetAgreement, gene_set_agreement

__all__ = ["gene_set_agreement", "GeneSetAgreement"]
