"""From a spec to a case: which layers, which inputs, and the proof that they judge."""
