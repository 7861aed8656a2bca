"""What comes back: filled sheets and decisions in any of the formats given out, joined by item id."""
