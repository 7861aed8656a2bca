from goldpan.error_analysis.parts import Instability


def unstable_rows(*a):
    return Instability(finding="dummy", reason="dummy")
