"""Playing Go with a network: a move for a position, and the Go Text Protocol.

policy    the network's probability of each move
choose    the move that is played, or a pass
rules     the rules by name, and the score by them
session   a game: moves, undo, handicap
protocol  lines of the protocol in, answers out
commands  what each command of the protocol does
"""
