"""The paper's tables and figures as data: which runs each needs, at which budget."""
