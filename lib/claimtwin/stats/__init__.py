"""Statistics in numpy, scipy and statsmodels."""
