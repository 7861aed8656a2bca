"""One label from several answers, by a strategy; never silently."""
