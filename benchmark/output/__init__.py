"""What is written for a reader: messages and progress on the console."""
