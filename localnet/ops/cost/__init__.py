"""What operations cost by their shapes alone, and what a machine can do at best."""
