"""Inks to colours: by the profile of the press in the file, or by a plain formula where there is none.

Only for the child process: LittleCMS follows a profile that anybody may have made up.
"""

from __future__ import annotations

import io

from PIL import Image, ImageCms

_INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
_FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION
"""What Photoshop converts with by default: the paper is white, the deepest black black."""


def rgb(image: Image.Image) -> Image.Image:
    """A loaded image of mode CMYK, 0 being no ink, as sRGB.

    Without a profile for CMYK that LittleCMS takes, (255 - C)(255 - K) / 255 and so on, as Pillow has it.
    """
    icc = image.info.get("icc_profile")
    if isinstance(icc, bytes) and icc[16:20] == b"CMYK":
        try:
            profile, srgb = ImageCms.ImageCmsProfile(io.BytesIO(icc)), ImageCms.createProfile("sRGB")
            transform = ImageCms.buildTransform(profile, srgb, "CMYK", "RGB", _INTENT, _FLAGS)
            return transform.apply(image)
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # damaged, or no way from inks to colours in it
    return image.convert("RGB")
