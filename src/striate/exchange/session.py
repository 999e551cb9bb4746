"""ONNX Runtime on the CPU."""

from __future__ import annotations

from typing import Any

from striate.description.network import Network
from striate.errors import RequirementError
from striate.exchange.graph import Array, Weights
from striate.exchange.model import INPUT, OUTPUT, model_beside_weights
from striate.exchange.requirement import require_onnx


def session_of(content: bytes | str, *, threads: int) -> Any:
    """A session of ONNX Runtime on the CPU, by a file's bytes or path. RequirementError without the package."""
    require_onnx("onnxruntime")
    import onnxruntime

    return onnxruntime.InferenceSession(content, _settings(threads), providers=["CPUExecutionProvider"])


class NetworkSession:
    """A network with its weights in ONNX Runtime, without a file in between; several threads may ask it at once.

    The runtime copies most weights into a layout of its own, and reads the rest where they lie: they must not change.
    Its threads look for work for at most half a millisecond after a call, and then sleep. By default it is 25 ms and
    more, on cores that other programs, and other kernels of this process, want. Within calls they do look for work:
    without it, networks of many small layers take a tenth longer.

    Raises RequirementError without the packages of the extra `onnx`, and where their versions cannot run the network.
    """

    def __init__(self, network: Network, weights: Weights, *, threads: int) -> None:
        require_onnx()
        try:
            import onnxruntime

            model, self._constants = model_beside_weights(network, weights)  # the runtime reads them: keep them alive
            values = [onnxruntime.OrtValue.ortvalue_from_numpy(each) for each in self._constants.values()]
            settings = _settings(threads)
            settings.add_session_config_entry(*_soon_asleep(onnxruntime.__version__))
            settings.add_external_initializers([*self._constants], values)
            content, providers = model.SerializeToString(), ["CPUExecutionProvider"]
            made = onnxruntime.InferenceSession(content, settings, providers=providers)
        except Exception as problem:  # the runtime's own errors have no common class; ImportError: a broken package
            raise RequirementError(
                f"ONNX Runtime cannot run {network.name}: {str(problem).strip().splitlines()[0]}",
                "It runs every network from version 1.28 on, with onnx 1.19.",
                "Upgrade the packages onnx and onnxruntime, or ask for kernels torch.",
            ) from problem

        # Its own `run` looks at the names first, for a tenth of the time of a network of one layer.
        self._run: Any = getattr(made, "_sess", made).run

    def answers(self, images: Array) -> Array:
        """The logits of normalised images: (batch, channels, height, width), float32, to (batch, ...)."""
        return self._run([OUTPUT], {INPUT: images}, None)[0]


def _soon_asleep(version: str) -> tuple[str, str]:
    """The setting, and its value, by which the threads of ONNX Runtime of a version sleep soon after a call.

    The older one wakes them anew for calls that follow each other, which costs 3 % where these take a millisecond.

    >>> _soon_asleep("1.32.0")[0], _soon_asleep("1.20.1")[0]
    ('session.intra_op.spin_duration_us', 'session.force_spinning_stop')
    """
    if tuple(int(part) for part in version.split(".")[:2]) >= (1, 27):
        return "session.intra_op.spin_duration_us", "500"
    return "session.force_spinning_stop", "1"


def _settings(threads: int) -> Any:
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    settings.log_severity_level = 4  # an error is raised, and need not be printed too
    return settings
