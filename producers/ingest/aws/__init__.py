"""What the sources at AWS share."""
