"""goldpan turns a corpus into labels that can be trusted, and then into a model that labels the rest."""

__version__ = "0.1.0"
