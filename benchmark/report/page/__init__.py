"""The report: one HTML page, complete in itself, made from what the other stages wrote.

Each module here makes the data of one part, once, as plain dataclasses; the templates lay them out. No score is
computed here; what is missing is named with the command that makes it.
"""
