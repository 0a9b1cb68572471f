"""Training and measuring for the tables and figures, and the records of both."""
