"""tallygate: budgets, rules and approvals in front of an agent's tool calls.

`start` a sidecar, decorate functions with `@gate.tool`, and call them; see README.md. For asyncio
there is `tallygate.aio`.
"""

from .ends import (
    Cancelled,
    Completed,
    Denied,
    Held,
    InDoubt,
    NotCompleted,
    Running,
    ToolFailed,
)
from .errors import (
    GateClosed,
    ProtocolError,
    RequestRefused,
    StartFailed,
    TallygateError,
    TimedOut,
)
from .executions import Answer, cancelled
from .gate import Gate
from .grant import Grant
from .launch import start
from .notices import Progress, ScopeChange
from .results import (
    ActionResult,
    Budget,
    Delegation,
    Hold,
    Policy,
    Registration,
    Session,
    Terms,
)
from .tool import Tool
from .version import VERSION as __version__

__all__ = [
    "ActionResult",
    "Answer",
    "Budget",
    "Cancelled",
    "Completed",
    "Delegation",
    "Denied",
    "Gate",
    "GateClosed",
    "Grant",
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
    "ScopeChange",
    "Session",
    "StartFailed",
    "TallygateError",
    "Terms",
    "TimedOut",
    "Tool",
    "ToolFailed",
    "__version__",
    "cancelled",
    "start",
]
