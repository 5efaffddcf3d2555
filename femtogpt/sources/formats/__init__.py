"""Formats of files that hold texts, and the parsing of rows that all kinds of source share.

Which suffix is read by which format is stated in the ``formats`` of each kind of source
(``Reader.formats``): texts.py, interviews/interviews_source.py and wiki/wiki_source.py.
"""
