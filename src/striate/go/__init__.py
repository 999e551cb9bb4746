"""Go: its rules, records of games, and the planes that AlphaGo's network reads. Standard library and numpy.

position    a position is a value: `start`, `play`, `illegal`, `legal_moves`, `place`
coordinates points and their names
score       the score by area
show        a position as text
records     games from SGF files (the extra `go`)
planes      the 48 planes of a position, or of many
"""
