"""Code lists as files, and the rules that read them."""
