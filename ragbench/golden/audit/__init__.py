"""Audits of a finished golden set. Each audit is one file with a frozen result, and its findings say what to do."""
