"""Whether a region cut into tiles is the same as a whole one, and what that takes."""
