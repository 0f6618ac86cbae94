"""What the recurrent layers are made of: arguments that are checked, and recurrences over all times at once."""
