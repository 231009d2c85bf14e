"""Networks: tensors and arrays in and out. No file, no log, no service."""
