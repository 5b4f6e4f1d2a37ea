"""Other libraries' locally connected layers, and localnet's, behind one interface."""
