"""What a comparison of methods found, as a table, as plots, and as one page."""
