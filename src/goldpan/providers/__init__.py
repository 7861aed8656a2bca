"""Who answers: each provider is one small file behind the protocol in `base`."""
