"""The tour of a net: the chain of its layers, what really ran through it, and one block from inside."""
