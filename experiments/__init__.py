"""The paper's tables and figures: recipes as data, the runner that makes what they need, records, tables and plots."""
