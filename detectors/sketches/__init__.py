"""Sketches that detectors share: each bounded, entered in kernels, read where a finding is judged."""
