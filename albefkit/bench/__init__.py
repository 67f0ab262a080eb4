"""How fast is it here, and against what?"""
