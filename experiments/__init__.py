"""The paper's tables and figures: recipes as data, runs and their records, tables, pictures and benchmarks."""
