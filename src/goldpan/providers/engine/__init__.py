"""A batch engine in a folder: files, batches and answers as an OpenAI-compatible service keeps them.

Who answers is handed in (`answerers`), and so is what is to go wrong (`hooks`); the engine knows neither.
"""
