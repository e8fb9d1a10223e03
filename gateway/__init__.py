"""The gateway: splits an image, fans the stripes out, merges the answers; never touches a pixel."""
