"""Published values of measures of equity, each to the four digits that are published.

Source: the tests of the R package `accessibility` 1.4.0.9000 (github.com/ipeaGIT/accessibility, MIT
licence), test-gini_index.R, test-concentration_index.R, test-fgt_poverty.R, test-palma_ratio.R and
test-theil_t.R: jobs within 30 minutes by transit, residents and income of five cells of Belo
Horizonte. The tests there repeat each with the last or the first cell left out.
"""

import numpy as np

ACCESS = [26774, 22239, 36567, 42372, 55571]
POPULATION = [0, 852, 394, 1969, 2189]
INCOME = [np.nan, 4757.8, 1627.8, 543.1, 3822.0]
GINI = 0.1386
CONCENTRATION = -0.0248
CONCENTRATION_WITHOUT_LAST = -0.1148
ERREYGERS = -0.1314
ERREYGERS_WITHOUT_LAST = -0.8282
POVERTY_LINE = 100_000
POVERTY = [1.0, 0.5588, 0.3256]
PALMA = 1.0911
PALMA_WITHOUT_LAST = 0.5249
PALMA_THRESHOLDS = [(543.1, 1627.8), (1627.7, 3821.9), (1000.0, 3000.0)]
"""The package takes the incomes at 40 % and 90 % of the people of the whole city, not of the five
cells. They are not published; every pair for which only the cell with 543.1 is poorest and those
with 3,822.0 and 4,757.8 are richest gives the published ratio, and no other does."""

GROUPED_ACCESS = [13991, 22239, 36567, 42372, 55571]
GROUPED_POPULATION = [1011, 852, 394, 1969, 2189]
DECILE = [3, 10, 6, 1, 10]
THEIL = {"total": 0.0852, "between": 0.0515, "within": 0.0337}
THEIL_WITHOUT_FIRST = {"total": 0.0378, "between": 0.0021, "within": 0.0357}
THEIL_WITHOUT_LAST = 0.0839
BETWEEN_BY_DECILE = {1: 0.0243, 3: -0.0579, 6: -0.0042, 10: 0.0894}
WITHIN_BY_DECILE = {1: 0.0, 3: 0.0, 6: 0.0, 10: 0.0337}
