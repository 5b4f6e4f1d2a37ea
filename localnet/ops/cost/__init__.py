"""What operations cost, by their shapes alone."""
