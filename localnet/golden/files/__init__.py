"""The suite as a manifest and files."""
