"""The steps of a wave of a project, from files to files, and how far it is."""
