"""``POST /batch``: many files in, one zip out."""
