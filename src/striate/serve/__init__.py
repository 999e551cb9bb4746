"""Answers over HTTP: the page and a JSON interface, around a predictor without HTTP."""

from striate.look.predictor import Prediction as Prediction
from striate.look.predictor import Predictor as Predictor
