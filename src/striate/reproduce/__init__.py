"""Trains a network by the method of its paper, and compares the errors with the paper's."""

from striate.reproduce.curvature import gauss_newton_diagonal as gauss_newton_diagonal
from striate.reproduce.curvature import rates as rates
from striate.reproduce.learner import OnlineLearner as OnlineLearner
from striate.reproduce.learner import Pass as Pass
from striate.reproduce.learner import PassProgress as PassProgress
from striate.reproduce.learner import Sets as Sets
from striate.reproduce.method import Decisions as Decisions
from striate.reproduce.method import Method as Method
