"""The terminal application: views over what the stream and people wrote. Only here is Textual imported."""
