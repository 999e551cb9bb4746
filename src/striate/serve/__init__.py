"""Answer: a predictor that knows no HTTP."""

from striate.serve.predictor import Prediction as Prediction
from striate.serve.predictor import Predictor as Predictor
