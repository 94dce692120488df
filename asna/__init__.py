"""ASNA: an attention-based Siamese-difference network for perceptual image quality, with a surrogate ranking loss."""
