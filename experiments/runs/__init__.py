"""What is trained and measured for the tables, and its records."""
