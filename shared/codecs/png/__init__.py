"""PNG as a stream of bands, and joining PNG stripes in the compressed domain (PNG third edition)."""
