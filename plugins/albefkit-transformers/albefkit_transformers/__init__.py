"""Vision transformers of Hugging Face for albefkit."""
