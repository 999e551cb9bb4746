"""Exercises on sizes, parameters, MACs and receptive fields, without end, whose answers the account gives.

Imports the standard library only. The page makes the same exercises in JavaScript (`web/compute/exercises.js`); a test
holds the two together.
"""

from striate.exercises.answers import SHOWN as SHOWN
from striate.exercises.answers import read_answer as read_answer
from striate.exercises.exercise import LARGEST_SEED as LARGEST_SEED
from striate.exercises.exercise import TOPICS as TOPICS
from striate.exercises.exercise import Exercise as Exercise
from striate.exercises.exercise import Topic as Topic
from striate.exercises.exercise import exercise as exercise
from striate.exercises.exercise import exercises as exercises
from striate.exercises.steps import FORMULAS as FORMULAS
from striate.exercises.steps import Step as Step
