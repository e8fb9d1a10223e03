"""Baseline JPEG in the compressed domain: parse, split, decode by bands, encode, merge (ITU-T T.81)."""
