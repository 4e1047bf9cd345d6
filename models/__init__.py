"""Learned detectors and forecasts: trained with scikit-learn, kept as arrays, run by Numba.

Nothing that serves imports scikit-learn: it is imported inside the functions that train.
"""
