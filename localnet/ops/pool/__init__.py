"""What resizes images without weights: pooling, margins, upsampling."""
