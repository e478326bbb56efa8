"""Answers that people labelled, to hold judges and signals against."""
