"""What stands on the wire: checksums, lines, frames, and the links that carry them."""
