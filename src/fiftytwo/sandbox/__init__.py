"""Learner code in a process of its own, judged from outside.

The judge holds :class:`~fiftytwo.sandbox.remote.Remote` handles; every call travels to the learner's
process, and only plain data (numbers, text, arrays, tables) travels back, in a format that can run no
code. Whatever the learner's process patches, prints or pretends, it can change what its own functions
return and nothing else: the comparison is made where it cannot reach.
"""
