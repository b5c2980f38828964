"""tallygate for asyncio: `async with tallygate.aio.start(policy) as gate`; see README.md.

The same sidecar, results and errors as in `tallygate`. No thread waits for a call: one event loop
reads, writes and runs bodies that are `async def`; plain functions run on a few threads.
"""

from .gate import AsyncGate
from .grant import AsyncGrant
from .launch import start
from .tool import AsyncTool

__all__ = ["AsyncGate", "AsyncGrant", "AsyncTool", "start"]
