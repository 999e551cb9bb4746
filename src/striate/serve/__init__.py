"""Answer: a predictor that knows no HTTP."""

from striate.look.predictor import Prediction as Prediction
from striate.look.predictor import Predictor as Predictor
