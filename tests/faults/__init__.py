"""Label Studio under faults: a double of it, faults between it and the adapter, and what is left."""
