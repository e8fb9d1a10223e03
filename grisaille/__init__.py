"""Command line of Grisaille: colour images to greyscale, split over as many workers as there are."""
