"""The gateway's public routes, one file each."""
