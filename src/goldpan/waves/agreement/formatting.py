"""How coefficients and numbers are named and written for people, in the text report and on the page."""

from __future__ import annotations

from collections.abc import Sequence

from goldpan.statistics.bands import RELIABLE, TENTATIVE
from goldpan.statistics.coefficient import Coefficient
from goldpan.statistics.interval import Interval
from goldpan.statistics.marginal_homogeneity import MarginalTest
from goldpan.statistics.samples import FEWEST_UNITS
from goldpan.waves.agreement.report import AnnotatorBias, FeatureAgreement, PairAgreement

TITLES = {
    "observed_agreement": "Observed agreement",
    "specific_agreement": "Specific agreement",
    "cohen_kappa": "Cohen's kappa",
    "cohen_kappa_linear": "Cohen's kappa, linear weights",
    "cohen_kappa_quadratic": "Cohen's kappa, quadratic weights",
    "mean_pairwise_kappa": "Mean pairwise kappa",
    "mean_pairwise_kappa_linear": "Mean pairwise kappa, linear weights",
    "mean_pairwise_kappa_quadratic": "Mean pairwise kappa, quadratic weights",
    "conger_kappa": "Conger's kappa",
    "conger_kappa_linear": "Conger's kappa, linear weights",
    "conger_kappa_quadratic": "Conger's kappa, quadratic weights",
    "scott_pi": "Scott's pi",
    "fleiss_kappa": "Fleiss' kappa",
    "gwet_ac1": "Gwet's AC1",
    "gwet_ac2_quadratic": "Gwet's AC2, quadratic weights",
    "pabak": "PABAK",
    "randolph_kappa": "Randolph's kappa",
    "krippendorff_alpha_nominal": "Krippendorff's alpha, nominal",
    "krippendorff_alpha_ordinal": "Krippendorff's alpha, ordinal",
    "krippendorff_alpha_interval": "Krippendorff's alpha, interval",
    "krippendorff_alpha_ratio": "Krippendorff's alpha, ratio",
    "krippendorff_alpha_masi": "Krippendorff's alpha, MASI distance",
    "krippendorff_alpha_jaccard": "Krippendorff's alpha, Jaccard distance",
    "krippendorff_alpha_kendall": "Krippendorff's alpha, Kendall distance",
    "icc_agreement": "ICC(A,1), agreement",
    "icc_consistency": "ICC(C,1), consistency",
    "icc_one_way": "ICC(1), one-way",
    "pearson": "Pearson's correlation",
    "mean_pairwise_pearson": "Mean pairwise Pearson's correlation",
    "mean_absolute_error": "Mean absolute error between annotators",
}

TEST_TITLES = {
    "sign": "Sign test: higher as often as lower",
    "mcnemar": "McNemar: each label as often",
    "stuart_maxwell": "Stuart-Maxwell: each label as often",
    "bowker": "Bowker: x for y as often as y for x",
}

KINDS = {
    "nominal": "one label of a set",
    "ordered": "ordered labels",
    "sets": "sets",
    "ranking": "rankings",
    "text": "free text",
}

BLINDNESS = {
    True: "Blind: annotators saw neither the LLM's answer nor each other's.",
    False: "NOT blind: annotators saw the LLM's answer or each other's, which raises agreement.",
    None: "Whether annotators saw the LLM's answer or each other's is not recorded.",
}

INTERVALS = (
    "Intervals are at 95 %. Observed agreement of two annotators, and of more where all answers are alike or "
    "none: Wilson; kappa, pi, alpha and agreement by label of two annotators and two labels: a Dirichlet "
    "posterior of their table; all else: bootstrap over items with two pseudo-items and expanded "
    "percentiles, made to hold at 30 to 500 items and for rare labels; none below "
    f"{FEWEST_UNITS} items. Where items come in groups, groups are drawn instead, and all intervals are by "
    "bootstrap; elsewhere each item is taken for itself. They say how far the sample of items moves a "
    "number, not how far other annotators would."
)

BANDS = (
    "Bands of kappa and pi are those of Landis and Koch (1977). Bands of alpha are those of Krippendorff "
    f"(2019): reliable from {RELIABLE:.3f}, good for tentative conclusions from {TENTATIVE:.3f}. AC1, AC2, "
    "PABAK and Randolph's kappa have none, for their values depend on how many labels could be given."
)


def coefficient_title(coefficient: Coefficient) -> str:
    """The coefficient's name for people."""
    return TITLES.get(coefficient.name, coefficient.name)


def band_and_reason(coefficient: Coefficient) -> str:
    """The coefficient's band, and why it lacks a value or an interval."""
    return " ".join(part for part in (coefficient.band, coefficient.reason) if part)


def p_value_text(p_value: float | None) -> str:
    """`p = 0.0123` or `p < 0.0001`; a dash where there is none."""
    if p_value is None:
        return "-"
    return "p < 0.0001" if p_value < 0.0001 else f"p = {p_value:.4f}"


def method_text(test: MarginalTest) -> str:
    """How the p-value was made, or why there is none."""
    if test.statistic is None:
        return test.reason or test.method or ""
    return f"{test.method}: {test.statistic:.2f} with {test.degrees} df"


def shown_biases(result: FeatureAgreement, most: int) -> tuple[Sequence[AnnotatorBias], str]:
    """The biases to show, and a title: all up to `most` of them, else the largest of each annotator."""
    title = "Each annotator less the others, on the items they share"
    if len(result.biases) <= most:
        return result.biases, title
    largest: dict[str, AnnotatorBias] = {}
    for bias in result.biases:
        known = largest.get(bias.annotator)
        if known is None or abs(bias.difference or 0.0) > abs(known.difference or 0.0):
            largest[bias.annotator] = bias
    return list(largest.values()), f"{title}: the label that differs most; agreement.json has all"


def pair_table(result: FeatureAgreement) -> list[list[str]]:
    """Header and rows, one for each of many pairs, with two columns of text before those of numbers.

    Of ordered labels which of the two is higher more often stands there, of others the first test.
    """
    names = [coefficient.name for coefficient in result.pairs[0].coefficients] if result.pairs else []
    header = ["Pair", "Differ one way", "Items", "Observed"]
    for name in names:
        header += [TITLES[name], "s.e."]
    rows = [header]
    for pair in result.pairs:
        row = [
            f"{pair.first} and {pair.second}",
            direction_text(pair),
            f"{pair.items:,}",
            four_decimals(pair.observed.value),
        ]
        for coefficient in pair.coefficients:
            row += [four_decimals(coefficient.value), four_decimals(coefficient.standard_error)]
        rows.append(row)
    return rows


def direction_text(pair: PairAgreement) -> str:
    """`31 and 12 times higher, p = 0.0053`: the first of a pair's tests."""
    if pair.bias is None:
        return ""
    test = pair.bias.tests[0]
    p_value = test.reason or p_value_text(test.p_value)
    if pair.bias.first_higher is None:
        return p_value
    return f"{pair.bias.first_higher:,} and {pair.bias.second_higher:,} times higher, {p_value}"


def signed(value: float | None) -> str:
    """Four decimals with a sign; a dash where there is no value."""
    return "-" if value is None else f"{value:+.4f}"


def four_decimals(value: float | None) -> str:
    """Four decimals; a dash where there is no value."""
    return "-" if value is None else f"{value:.4f}"


def four_decimal_interval(bounds: Interval | None) -> str:
    """`[0.1788, 0.2104]`; empty where there is none."""
    return "" if bounds is None else f"[{bounds.low:.4f}, {bounds.high:.4f}]"


def coefficient_text(coefficient: Coefficient) -> str:
    """`0.8571 [0.1788, 0.2104]`."""
    return f"{four_decimals(coefficient.value)} {four_decimal_interval(coefficient.interval)}".strip()
