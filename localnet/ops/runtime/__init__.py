"""What the engines run on: buffers, threads, and pieces that fit into a cache."""
