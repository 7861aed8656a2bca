"""Stages that decide without asking anybody which records go on."""
