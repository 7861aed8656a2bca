"""Chains of stages: the stages that ask nobody, and what is told of a chain as a whole."""
