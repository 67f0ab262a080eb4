"""albefkit: train, take apart and compare ALBEF-style vision-language models."""

__version__ = "0.1.0"
