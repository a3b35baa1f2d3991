"""The stages of a study in their order, and what they hand on."""
