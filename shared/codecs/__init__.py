"""Image formats as pure functions: bytes and arrays in, bytes and arrays out; no I/O, no clock, no logs."""
