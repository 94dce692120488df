"""The shipped checkpoints, each with its metadata and its log."""
