"""A batch engine in a folder: files, batches and answers as an OpenAI-compatible service keeps them.

Who answers is handed in (`answerers`), and so is what is to go wrong (`hooks`); the engine knows neither.
What an answerer of one's own needs is imported from here.
"""

from goldpan.providers.engine.completions import completion
from goldpan.providers.engine.refusal import ServiceError

__all__ = ["ServiceError", "completion"]
