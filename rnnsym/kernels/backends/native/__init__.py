"""What a C kernel is made of: places in memory, phases of fused work, and the fixed text around them."""
