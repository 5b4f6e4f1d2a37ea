"""Several arrays merged into one."""
