"""tallygate: budgets, rules and approvals in front of an agent's tool calls.

`start` a sidecar, decorate functions with `@gate.tool`, and call them; see README.md.
"""

from .bodies import Answer, cancelled
from .errors import (
    Cancelled,
    Denied,
    GateClosed,
    Held,
    InDoubt,
    NotCompleted,
    ProtocolError,
    RequestRefused,
    Running,
    StartFailed,
    TallygateError,
    TimedOut,
    ToolFailed,
)
from .gate import Gate
from .launch import VERSION as __version__
from .launch import start
from .notices import Progress
from .results import ActionResult, Budget, Hold, Policy, Registration, Session
from .tool import Tool

__all__ = [
    "ActionResult",
    "Answer",
    "Budget",
    "Cancelled",
    "Denied",
    "Gate",
    "GateClosed",
    "Held",
    "Hold",
    "InDoubt",
    "NotCompleted",
    "Policy",
    "Progress",
    "ProtocolError",
    "Registration",
    "RequestRefused",
    "Running",
    "Session",
    "StartFailed",
    "TallygateError",
    "TimedOut",
    "Tool",
    "ToolFailed",
    "__version__",
    "cancelled",
    "start",
]
