"""What a user asks for, with its policy: the command line and the Python layer call these."""
