"""TIFF (TIFF 6.0, 1992; BigTIFF as libtiff documents it)."""
