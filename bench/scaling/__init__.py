"""How latency and throughput scale with workers that each have a tenth of a core."""
