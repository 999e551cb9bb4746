"""Training: recipe, loop, losses, optimisers, metrics, checkpoints, and the run's folder."""

from striate.train.learner import Learner as Learner
from striate.train.loop import Batch as Batch
from striate.train.loop import Epoch as Epoch
from striate.train.loop import Split as Split
from striate.train.loop import train as train
from striate.train.metrics import Evaluation as Evaluation
from striate.train.metrics import Outputs as Outputs
from striate.train.metrics import evaluation_of as evaluation_of
from striate.train.metrics import run_over as run_over
from striate.train.recipe import Recipe as Recipe
from striate.train.recipes import RECIPES as RECIPES
from striate.train.recipes import find_recipe as find_recipe
from striate.train.recipes import recipe_for as recipe_for
from striate.train.run import Run as Run
from striate.train.run import open_run as open_run
