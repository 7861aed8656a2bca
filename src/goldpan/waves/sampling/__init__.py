"""Which records annotators get: strata, the draw within them, and who answers which item."""
