"""Drift: are the queries of users still those that a golden set, or an earlier log, was made of?"""
