"""The literature on coefficients, figures, tests and intervals, for the reports that show them."""

# ruff: noqa: E501 - one reference a line

from __future__ import annotations

from collections.abc import Iterable

from goldpan.statistics.interval import Interval

_COHEN = "Cohen, J. (1960). A coefficient of agreement for nominal scales. Educational and Psychological Measurement 20, 37-46."
_COHEN_WEIGHTED = "Cohen, J. (1968). Weighted kappa: nominal scale agreement with provision for scaled disagreement or partial credit. Psychological Bulletin 70, 213-220."
_FLEISS_COHEN_EVERITT = "Fleiss, J. L., Cohen, J., & Everitt, B. S. (1969). Large sample standard errors of kappa and weighted kappa. Psychological Bulletin 72, 323-327."
_LIGHT = "Light, R. J. (1971). Measures of response agreement for qualitative data: some generalizations and alternatives. Psychological Bulletin 76, 365-377."
_BYRT = "Byrt, T., Bishop, J., & Carlin, J. B. (1993). Bias, prevalence and kappa. Journal of Clinical Epidemiology 46, 423-429."
_KRIPPENDORFF = (
    "Krippendorff, K. (2011). Computing Krippendorff's alpha-reliability. University of Pennsylvania."
)
_KENDALL = "Kendall, M. G. (1938). A new measure of rank correlation. Biometrika 30, 81-93."
_JACCARD = "Jaccard, P. (1912). The distribution of the flora in the alpine zone. New Phytologist 11, 37-50."
_PASSONNEAU = "Passonneau, R. (2006). Measuring agreement on set-valued items (MASI) for semantic and pragmatic annotation. LREC 2006, 831-836."
_PEARSON = "Pearson, K. (1895). Note on regression and inheritance in the case of two parents. Proceedings of the Royal Society of London 58, 240-242."
_HESTERBERG = "Hesterberg, T. C. (2015). What teachers should know about the bootstrap: resampling in the undergraduate statistics curriculum. The American Statistician 69, 371-386."

_REFERENCES: dict[str, tuple[str, ...]] = {
    "cohen_kappa": (_COHEN, _FLEISS_COHEN_EVERITT),
    "cohen_kappa_linear": (_COHEN_WEIGHTED, _FLEISS_COHEN_EVERITT),
    "cohen_kappa_quadratic": (_COHEN_WEIGHTED, _FLEISS_COHEN_EVERITT),
    "mean_pairwise_kappa": (_COHEN, _LIGHT),
    "mean_pairwise_kappa_linear": (_COHEN_WEIGHTED, _LIGHT),
    "mean_pairwise_kappa_quadratic": (_COHEN_WEIGHTED, _LIGHT),
    "scott_pi": (
        "Scott, W. A. (1955). Reliability of content analysis: the case of nominal scale coding. Public Opinion Quarterly 19, 321-325.",
    ),
    "fleiss_kappa": (
        "Fleiss, J. L. (1971). Measuring nominal scale agreement among many raters. Psychological Bulletin 76, 378-382.",
        "Fleiss, J. L., Nee, J. C. M., & Landis, J. R. (1979). Large sample variance of kappa in the case of different sets of raters. Psychological Bulletin 86, 974-977.",
    ),
    "conger_kappa": (
        "Conger, A. J. (1980). Integration and generalization of kappas for multiple raters. Psychological Bulletin 88, 322-328.",
    ),
    "gwet_ac1": (
        "Gwet, K. L. (2008). Computing inter-rater reliability and its variance in the presence of high agreement. British Journal of Mathematical and Statistical Psychology 61, 29-48.",
    ),
    "gwet_ac2": ("Gwet, K. L. (2014). Handbook of inter-rater reliability (4th ed.). Advanced Analytics.",),
    "pabak": (_BYRT,),
    "randolph_kappa": (
        "Randolph, J. J. (2005). Free-marginal multirater kappa: an alternative to Fleiss' fixed-marginal multirater kappa. Joensuu Learning and Instruction Symposium.",
    ),
    "krippendorff_alpha": (_KRIPPENDORFF,),
    "krippendorff_alpha_masi": (_KRIPPENDORFF, _PASSONNEAU),
    "krippendorff_alpha_jaccard": (_KRIPPENDORFF, _JACCARD),
    "krippendorff_alpha_kendall": (_KRIPPENDORFF, _KENDALL),
    "specific_agreement": (
        "Cicchetti, D. V., & Feinstein, A. R. (1990). High agreement but low kappa: II. Resolving the paradoxes. Journal of Clinical Epidemiology 43, 551-558.",
    ),
    "prevalence_and_bias_index": (_BYRT,),
    "icc": (
        "Shrout, P. E., & Fleiss, J. L. (1979). Intraclass correlations: uses in assessing rater reliability. Psychological Bulletin 86, 420-428.",
        "McGraw, K. O., & Wong, S. P. (1996). Forming inferences about some intraclass correlation coefficients. Psychological Methods 1, 30-46.",
    ),
    "pearson": (_PEARSON,),
    "mean_pairwise_pearson": (_PEARSON,),
    "sign": (
        "Dixon, W. J., & Mood, A. M. (1946). The statistical sign test. Journal of the American Statistical Association 41, 557-566.",
    ),
    "stuart_maxwell": (
        "Stuart, A. (1955). A test for homogeneity of the marginal distributions in a two-way classification. Biometrika 42, 412-416.",
        "Maxwell, A. E. (1970). Comparing the classification of subjects by two independent judges. British Journal of Psychiatry 116, 651-655.",
    ),
    "bowker": (
        "Bowker, A. H. (1948). A test for symmetry in contingency tables. Journal of the American Statistical Association 43, 572-574.",
    ),
    "landis_koch": (
        "Landis, J. R., & Koch, G. G. (1977). The measurement of observer agreement for categorical data. Biometrics 33, 159-174.",
    ),
    "krippendorff_bands": (
        "Krippendorff, K. (2019). Content analysis: an introduction to its methodology (4th ed.). Sage.",
    ),
    "wilson": (
        "Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. Journal of the American Statistical Association 22, 209-212.",
    ),
    "clopper_pearson": (
        "Clopper, C. J., & Pearson, E. S. (1934). The use of confidence or fiducial limits illustrated in the case of the binomial. Biometrika 26, 404-413.",
    ),
    "melded": (
        "Fay, M. P., Proschan, M. A., & Brittain, E. (2015). Combining one-sample confidence procedures for inference in the two-sample case. Biometrics 71, 146-156.",
    ),
    "bootstrap": (_HESTERBERG,),
    "stratified_bootstrap": (
        _HESTERBERG,
        "Rao, J. N. K., & Wu, C. F. J. (1988). Resampling inference with complex survey data. Journal of the American Statistical Association 83, 231-241.",
    ),
    "design_weights": (
        "Horvitz, D. G., & Thompson, D. J. (1952). A generalization of sampling without replacement from a finite universe. Journal of the American Statistical Association 47, 663-685.",
        "Hájek, J. (1971). Comment on an essay by D. Basu. In Foundations of statistical inference. Holt, Rinehart and Winston, 236.",
    ),
    "spearman": (
        "Spearman, C. (1904). The proof and measurement of association between two things. American Journal of Psychology 15, 72-101.",
    ),
    "jaccard": (_JACCARD,),
    "kendall_tau": (_KENDALL,),
    "brier": (
        "Brier, G. W. (1950). Verification of forecasts expressed in terms of probability. Monthly Weather Review 78, 1-3.",
    ),
    "calibration": (
        "Vaicenavicius, J., and others (2019). Evaluating model calibration in classification. AISTATS 2019.",
    ),
    "newcombe": (
        "Newcombe, R. G. (1998). Interval estimation for the difference between independent proportions: comparison of eleven methods. Statistics in Medicine 17, 873-890.",
    ),
    "many_shares": (
        "Westfall, P. H., & Young, S. S. (1993). Resampling-based multiple testing: examples and methods for p-value adjustment. Wiley.",
    ),
    "many_shares_of_groups": (
        "Kline, P., & Santos, A. (2012). A score based approach to wild bootstrap inference. Journal of Econometric Methods 1, 23-41.",
    ),
    "scan": (
        "Kulldorff, M. (1997). A spatial scan statistic. Communications in Statistics: Theory and Methods 26, 1481-1496.",
        "Grootendorst, M. (2022). BERTopic: neural topic modeling with a class-based TF-IDF procedure. arXiv:2203.05794.",
    ),
    "confident_learning": (
        "Northcutt, C. G., Jiang, L., & Chuang, I. L. (2021). Confident learning: estimating uncertainty in dataset labels. Journal of Artificial Intelligence Research 70, 1373-1411.",
        "Copas, J. B. (1988). Binary regression models for contaminated data. Journal of the Royal Statistical Society B 50, 225-265.",
    ),
    "mcnemar": (
        "McNemar, Q. (1947). Note on the sampling error of the difference between correlated proportions or percentages. Psychometrika 12, 153-157.",
    ),
    "alternative_annotator_test": (
        "Calderon, N., Reichart, R., & Dror, R. (2025). The alternative annotator test for LLM-as-a-judge: how to statistically justify replacing human annotators with LLMs. ACL 2025, 16051-16081.",
    ),
    "prevalence": (
        "Tenenbein, A. (1970). A double sampling scheme for estimating from binomial data with misclassifications. Journal of the American Statistical Association 65, 1350-1361.",
        "Zou, G. Y., Huang, W., & Zhang, X. (2009). A note on confidence interval estimation for a linear function of binomial proportions. Computational Statistics & Data Analysis 53, 1080-1085.",
    ),
}


_INTERVALS = {
    "Wilson": "wilson",
    "Newcombe": "newcombe",
    "Clopper": "clopper_pearson",
    "melded": "melded",
    "stratified bootstrap": "stratified_bootstrap",
    "bootstrap": "bootstrap",
}
"""What the method of an interval says -> where its literature stands."""


def methods_of(interval: Interval | None) -> list[str]:
    """The names under which `references_of` has the literature on how an interval is made."""
    method = interval.method if interval else ""
    return [name for words, name in _INTERVALS.items() if words in method]


def references_of(names: Iterable[str]) -> tuple[str, ...]:
    """The literature on what is called so, sorted, each once.

    Args:
        names: of coefficients, figures, tests and methods. One that is not known by its whole name is looked up
            by what is before its last `_`; one that is not known at all, such as `accuracy`, has none.
    """
    literature: set[str] = set()
    for name in names:
        while name and name not in _REFERENCES:
            name = name.rpartition("_")[0]
        literature.update(_REFERENCES.get(name, ()))
    return tuple(sorted(literature))
