"""What the engine costs, each figure beside that of a library that answers the same question."""
