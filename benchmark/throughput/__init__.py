"""What metrics cost: pairs per second, latency and memory of each, and of decoding; and agreement against cost."""
