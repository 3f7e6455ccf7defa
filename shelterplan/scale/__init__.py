"""A country, cut into tiles: each widened by a halo, so that nothing changes by the cutting."""
