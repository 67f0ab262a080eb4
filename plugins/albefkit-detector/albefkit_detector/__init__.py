"""Detector-based vision-language models for albefkit."""
