"""Networks: encoders, their training, learners. Tensors and arrays in, arrays out.

No campaign and no service is here.
"""
