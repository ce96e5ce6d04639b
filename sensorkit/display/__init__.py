"""How things are shown, wherever they are shown: words for numbers, thinned lines, figures.

Arrays and plain values in, text and plain dictionaries out; nothing here knows what a recording is.
"""
