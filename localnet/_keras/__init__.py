"""
What scripts of Keras 2 import that lives elsewhere here, or not at all.

Old paths and names lead to the present ones; what localnet leaves out can be imported,
and says why it is out, and what to do instead, when it is used. Arguments and layers of
Keras 1 are refused with the words of Keras 2. Nothing of it is imported before it is
asked for. Imports nothing but checks.
"""
