"""Models on this machine: where their files lie, what is installed to run them, device and threads."""
