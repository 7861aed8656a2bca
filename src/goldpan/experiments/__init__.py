"""Modules and their data sets: whether what they are measured by can be relied on."""
