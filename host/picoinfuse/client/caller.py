"""Calls methods of the pump and returns typed replies. The methods themselves are in `methods/`, by subject."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from picoinfuse.client.decode import decode
from picoinfuse.client.method import Command, Method, Query, TwoStep
from picoinfuse.client.session import Session
from picoinfuse.client.wire import ByName, FreeText, Index, Length, Milli, Name, Range, Token
from picoinfuse.common.errors import PumpError

R = TypeVar("R")


def _kind_of_change(name: str) -> Any:
    """A person confirms what is shown, so a change must be of the kind that its name says."""
    is_number = name == "dose" or name.endswith(("_ul_h", "_nl", "_pa", "_s"))
    one = Annotated[int, Range(0, 12 * 10**17)] if is_number else FreeText
    return Annotated[list[one | None], Length(2, 2)]


@dataclass(frozen=True)
class SoftLimit:
    """A limit of the drug library that a proposal exceeds. Values are in thousandths of the drug's unit."""

    limit: Name
    """`dose`, `bolus` or `hour`."""
    value: Milli
    """What was asked for."""
    bound: Milli
    """The limit."""


@dataclass(frozen=True)
class ProposalReply:
    """What would change. Nothing has changed yet."""

    token: Token
    """Random; `confirm` names it."""
    changes: Annotated[dict[str, list[Any]], ByName(_kind_of_change)]
    """By name: [value now, value after confirmation]."""
    soft_limits: tuple[SoftLimit, ...]
    """Soft limits that are exceeded. Each needs a confirmation of its own that names its value, in this order."""
    expires_ms: Index
    """How long the token is valid."""


@dataclass(frozen=True)
class Proposal(Generic[R]):
    """A change that waits for its confirmation: what `ProposalReply` says, and the method that was proposed."""

    method: TwoStep[R]
    token: int
    changes: dict[str, list[Any]]
    soft_limits: tuple[SoftLimit, ...]
    expires_ms: int


@dataclass(frozen=True)
class OfTheProposal:
    """The reply of the method that was proposed."""


CONFIRM = Command(
    "confirm",
    OfTheProposal,
    {
        "token": "Token of the proposal",
        "override_soft_limits": "A value that exceeds a soft limit: [Two steps](#two-steps)",
    },
)


class Caller(Session):
    """A session that knows how each kind of method is called."""

    def query(self, method: Query[R], /, **params: Any) -> R:
        """Asks for something. Raises PumpError when the pump refuses, BadReply when its reply is malformed."""
        return decode(method.reply, self._send(method, params, None), method.name)

    def command(self, method: Command[R], /, **params: Any) -> R:
        """Does something; at most once, however often it is sent. Raises as `query`."""
        return decode(method.reply, self._send(method, params, self.boot), method.name)

    def propose(self, method: TwoStep[R], /, **params: Any) -> Proposal[R]:
        """Asks for a change. Nothing changes until `confirm`. Raises as `query`."""
        reply = decode(ProposalReply, self._send(method, params, self.boot), method.name)
        return Proposal(method, reply.token, reply.changes, reply.soft_limits, reply.expires_ms)

    def confirm(self, proposal: Proposal[R], override_soft_limits: Sequence[int] = ()) -> R:
        """Makes the change; returns the reply of the proposed method.

        `override_soft_limits`: each value that exceeds a soft limit, in the order of the proposal. Raises PumpError
        `soft_limit` with the one that is missing, else as `query`.
        """
        for value in override_soft_limits[:-1]:  # the pump asks for the next one by refusing
            with _refused("soft_limit"):
                self._send(CONFIRM, {"token": proposal.token, "override_soft_limits": value}, self.boot)
        named = {"override_soft_limits": override_soft_limits[-1]} if override_soft_limits else {}
        result = self._send(CONFIRM, {"token": proposal.token, **named}, self.boot)
        return decode(proposal.method.reply, result, f"confirm of {proposal.method.name}")

    def _send(self, method: Method[Any], params: dict[str, Any], boot: int | None) -> Any:
        """The undecoded result."""
        return self.link.request(method.name, params, boot, self.timeout_s)


@contextmanager
def _refused(code: str) -> Iterator[None]:
    try:
        yield
    except PumpError as error:
        if error.code != code:
            raise
