"""Audits of a finished golden set: one file per audit, one frozen result each, findings that say what to do."""
