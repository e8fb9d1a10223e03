"""Measurements of the service.

`python -m bench`: time, beside Pillow and libvips. `bench.small`: what the service adds to a small image.
`bench.predecessor`: the table of the system before this one. `bench.scaling`: workers under quotas.
`bench.memory`: memory.
"""
