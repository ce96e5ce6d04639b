"""The first thing a reader sees: four numbers, and what was required of them."""
