"""Components that are wrong in one way each: built-in ones with one thing changed."""
