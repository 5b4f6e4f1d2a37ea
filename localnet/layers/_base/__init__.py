"""What layers are made of: weights, windows, handles, and the pure pair."""
