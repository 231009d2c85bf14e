"""Label Studio under faults: a double of it, faults before it, and what is left after them."""
