"""Several processes that train one network together, as torchrun starts them; one process is the usual case.

Processes are found by PyTorch's environment variables (RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR, MASTER_PORT). They
exchange tensors and JSON by torch.distributed: gloo on the CPU, NCCL on CUDA. Nothing that arrives is unpickled.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.autograd import Function
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous

from striate.errors import DataError, LearningError, PeerError, SpecError, UnknownNameError
from striate.wording import counted

VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
PATIENCE = timedelta(minutes=30)
"""How long a process waits for the others, which may be reading images."""


@dataclass(frozen=True)
class World:
    """The processes of a training: this one's `rank`, and how many there are."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes the run and prints."""
        return self.rank == 0

    @property
    def words(self) -> str:
        """This process, for people."""
        return f"process {self.rank} of {self.size} (on {socket.gethostname()})"

    def add_up(self, values: Tensor) -> None:
        """Replace a tensor by its sum over all processes, the same bits in each."""
        if self.size > 1:
            _reached(self, lambda: dist.all_reduce(values))

    def total(self, values: Tensor) -> Tensor:
        """The sum over all processes, with a gradient."""
        return _Total.apply(values, self)  # pyright: ignore[reportReturnType] - apply has no types

    def any(self, asked: bool) -> bool:
        """Whether one process or more says yes."""
        if self.size == 1:
            return asked
        votes = torch.tensor([float(asked)])
        self.add_up(votes)
        return votes.item() > 0

    def told(self, decide: Callable[[], Any]) -> Any:
        """The result of `decide`, a JSON value, which only the first process calls and sends to all others."""
        if self.size == 1:
            return decide()
        text = json.dumps(decide()).encode() if self.leads else b""
        return json.loads(self._bytes(text))

    def tensors(self, own: Mapping[str, Tensor] | None) -> dict[str, Tensor]:
        """The first process's tensors by name; the others pass None and get them on the CPU."""
        if self.size == 1:
            return dict(own or {})
        plain = {name: each.detach().cpu().contiguous() for name, each in (own or {}).items()}
        made = self._bytes(save(plain) if self.leads else b"")
        return dict(own or {}) if self.leads else load(made)

    def rows(self, own: Tensor, counts: list[int]) -> Tensor:
        """The rows of all processes, one process after the other, on the CPU; `counts` are their numbers of rows."""
        if self.size == 1:
            return own
        parts = [
            own if rank == self.rank else own.new_empty(count, *own.shape[1:]) for rank, count in enumerate(counts)
        ]
        for rank, part in enumerate(parts):
            if counts[rank]:
                _reached(self, lambda part=part, rank=rank: dist.broadcast(part, rank))
        return torch.cat(parts)

    def _bytes(self, own: bytes) -> bytes:
        length = torch.tensor([len(own)])
        _reached(self, lambda: dist.broadcast(length, 0))
        content = torch.frombuffer(bytearray(own), dtype=torch.uint8) if self.leads else None
        content = torch.empty(int(length), dtype=torch.uint8) if content is None else content
        _reached(self, lambda: dist.broadcast(content, 0))
        return content.numpy().tobytes()


ALONE = World()


class _Total(Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, world: World) -> Tensor:
        ctx.world = world
        made = values.clone()
        world.add_up(made)
        return made

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        made = gradients[0].clone()
        ctx.world.add_up(made)
        return made, None


def here() -> World:
    """The processes that this one has joined; itself alone where it has joined none."""
    if dist.is_available() and dist.is_initialized():
        return World(dist.get_rank(), dist.get_world_size())
    return ALONE


def launched() -> World | None:
    """The place that the environment gives this process among several; None where it is alone.

    Raises SpecError where a variable is missing or wrong.
    """
    if "RANK" not in os.environ or "WORLD_SIZE" not in os.environ:
        return None
    missing = [name for name in VARIABLES if not os.environ.get(name)]
    if missing:
        raise SpecError(
            f"the environment has RANK and WORLD_SIZE, and lacks {', '.join(missing)}.",
            "Processes that train together find each other by all five of " + ", ".join(VARIABLES) + ".",
            "Start them by torchrun, which sets these; or unset RANK and WORLD_SIZE to train in one process.",
        )
    rank, size = (_number(name) for name in ("RANK", "WORLD_SIZE"))
    for name in ("LOCAL_RANK", "MASTER_PORT"):
        _number(name)
    if not rank < size:
        raise SpecError(f"RANK is {rank} and WORLD_SIZE {size}.", "Ranks are counted from 0.", "Start it by torchrun.")
    return World(rank, size) if size > 1 else None


def _number(name: str) -> int:
    text = os.environ[name]
    if not (text.isascii() and text.isdigit() and len(text) < 8):
        raise SpecError(f"{name} is {text[:40]!r}.", "It must be a whole number, at least 0.", "Start it by torchrun.")
    return int(text)


def job() -> str:
    """The name of this torchrun job, the same after its restarts; "" where another program started the processes."""
    name = os.environ.get("TORCHELASTIC_RUN_ID", "")
    # torchrun calls a job without --rdzv-id and --standalone none; then its process on this machine stands for it.
    return f"{socket.gethostname()} {os.getppid()}" if name == "none" else name


def met(store: Store, world: World) -> str:
    """Agree on a random name for this start of the processes; returns it once all processes have it.

    torchrun keeps one store for all restarts, so processes of an earlier start may have left entries such as their
    addresses. Each start therefore writes under its own name, which the first process draws. A process asks for it
    under a random number of its own. The first process answers all such requests until every process has confirmed
    the name.
    """
    if not world.leads:
        nonce = secrets.token_hex(8)
        store.set(f"striate/ask/{world.rank}", nonce)
        text = store.get(f"striate/answer/{nonce}").decode()
        store.set(f"striate/met/{text}/{world.rank}", "1")
        return text
    text, left, end = secrets.token_hex(8), set(range(1, world.size)), time.monotonic() + PATIENCE.total_seconds()
    while left:
        for rank in sorted(left):
            if store.check([f"striate/met/{text}/{rank}"]):
                left.discard(rank)
            elif store.check([f"striate/ask/{rank}"]):
                store.set(f"striate/answer/{store.get(f'striate/ask/{rank}').decode()}", text)
        if time.monotonic() > end:
            raise RuntimeError(f"no sign of process {min(left)} in {PATIENCE.total_seconds() / 60:.0f} minutes")
        time.sleep(0.02 if left else 0)
    return text


def require_one_model(world: World, model: nn.Module, *, epoch: int) -> None:
    """Raise LearningError where the processes' weights are not the same bits after an epoch."""
    if world.size == 1:
        return
    tensors = (each.detach().cpu().contiguous() for each in model.state_dict().values())
    other = _other(world, (memoryview(each.flatten().view(torch.uint8).numpy()) for each in tensors))
    if other is not None:
        raise LearningError(
            f"the weights of process {other} of {world.size} are not those of process 0 after epoch {epoch}.",
            "All processes make the same update from the same sum of gradients.",
            "Use one version of PyTorch and one kind of processor for all, and report it if they are the same.",
        )


def require_one_set(world: World, fingerprints: Iterable[str], *, source: str) -> None:
    """Raise DataError where the processes have read other images: each takes its part of a batch by their numbers."""
    if world.size == 1:
        return
    other = _other(world, (each.encode() for each in fingerprints))
    if other is not None:
        raise DataError(
            f"process {other} of {world.size} has read other images than process 0.",
            "All processes read the same images.",
            "Compare the machines' copies of them, and copy them anew.",
            where=source,
        )


def _other(world: World, own: Iterable[bytes | memoryview]) -> int | None:
    """The first process whose bytes are not those of process 0; None where all are the same."""
    digest = hashlib.blake2b(digest_size=8)
    for each in own:
        digest.update(each)
    found = world.rows(torch.frombuffer(bytearray(digest.digest()), dtype=torch.uint8)[None], [1] * world.size)
    return next((rank for rank in range(world.size) if not torch.equal(found[rank], found[0])), None)


@contextmanager
def joined(device: str = "auto") -> Iterator[World]:
    """Context in which this process has joined those that torchrun started; it is alone where torchrun started none.

    A process on CUDA uses the GPU with its local rank. Raises PeerError where the others are not found.
    """
    world = launched()
    if world is None:
        yield ALONE
        return
    cuda = device.partition(":")[0] in ("auto", "cuda") and torch.cuda.is_available()
    if cuda:
        _take_gpu(_number("LOCAL_RANK"), device)
    try:
        store, _, _ = next(rendezvous("env://", timeout=PATIENCE))
        store = PrefixStore(met(store, world), store)
        backend = "cpu:gloo,cuda:nccl" if cuda else "gloo"
        dist.init_process_group(backend, store=store, rank=world.rank, world_size=world.size, timeout=PATIENCE)
    except (RuntimeError, ValueError) as problem:
        where = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
        raise PeerError(
            f"{world.words} cannot join the others at {where}: {_first_line(problem)}",
            "All processes must reach that address, and each other.",
            "Check MASTER_ADDR and MASTER_PORT, and set GLOO_SOCKET_IFNAME to the right interface; see docs/scale.md.",
        ) from None
    try:
        yield here()
    finally:
        dist.destroy_process_group()


def _take_gpu(number: int, device: str) -> None:
    count = torch.cuda.device_count()
    if device not in ("auto", "cuda") or number >= count:
        raise UnknownNameError(
            f"process {number} of this machine has no GPU of its own: --device {device}, {counted(count, 'GPU')} here.",
            "Each process takes the GPU of its number.",
            f"Start no more than {count} on this machine (--nproc-per-node), and leave --device at auto or cuda.",
        )
    torch.cuda.set_device(number)


def _reached(world: World, call: Callable[[], object]) -> None:
    """Exchange something. Raises PeerError where another process has ended, or cannot be reached any more."""
    try:
        call()
    except RuntimeError as problem:
        raise PeerError(
            f"{world.words} has lost the others: {_first_line(problem)}",
            "All processes take each step together; when one ends, so do all.",
            "The one that failed says why in a message of its own.",
        ) from None


def _first_line(problem: BaseException) -> str:
    text = str(problem).strip().split("\n")[0]
    return text[:200] or type(problem).__name__
