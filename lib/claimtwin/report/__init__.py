"""The report: collected results as words, tables, figures and one HTML file."""
