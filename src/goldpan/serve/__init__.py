"""The local engine over HTTP: an OpenAI-compatible endpoint for batches (docs/serve.md)."""

from goldpan.serve.command import run
from goldpan.serve.running import RunningServer, running_server

__all__ = ["RunningServer", "run", "running_server"]
