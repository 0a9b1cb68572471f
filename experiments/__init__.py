"""The paper's tables and figures: recipes as data, the runner that trains and measures, records, tables and plots."""
