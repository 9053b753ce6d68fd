"""Recording what a net computes: its leaf calls in order, and how tensors run between them."""
