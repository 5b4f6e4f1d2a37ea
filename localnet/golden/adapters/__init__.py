"""
Other libraries as backends of the golden suite, and localnet's own engines.

``localnet golden check localnet.golden.adapters.torch:unfold`` holds PyTorch against
the suite. A library is imported when one of its functions is called, so that localnet
itself needs none of them.
"""
