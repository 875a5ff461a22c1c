"""Workers that take accounts from the queue, one at a time each."""

import asyncio

import structlog

from dantaro_crds.errors import DantaroError, TransientError
from dantaro_operator.core.bots import Key
from dantaro_operator.errors import NotLeadingError
from dantaro_operator.metrics import Metrics
from dantaro_operator.services.accounts import AccountService
from dantaro_operator.services.work_queue import WorkQueue

__all__ = ["ReconcileLoop"]

_LOG = structlog.get_logger()


class ReconcileLoop:
    """Brings accounts to their declared state as the queue asks for it."""

    def __init__(
        self,
        queue: WorkQueue[Key],
        accounts: AccountService,
        metrics: Metrics,
        *,
        workers: int,
        timeout: float,
    ) -> None:
        self._queue = queue
        self._accounts = accounts
        self._metrics = metrics
        self._workers = workers
        self._timeout = timeout

    async def run(self) -> None:
        """Work until cancelled.

        Raises:
            NotLeadingError: Another operator leads; this process must end.
        """
        async with asyncio.TaskGroup() as group:
            for _ in range(self._workers):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            account = await self._queue.take()
            await self._reconcile(account)

    async def _reconcile(self, account: Key) -> None:
        _, namespace, name = account
        try:
            with self._metrics.reconcile_seconds.time():
                async with asyncio.timeout(self._timeout):
                    await self._accounts.reconcile(account)
        except NotLeadingError:
            raise
        except (DantaroError, TimeoutError) as error:
            asked = error.retry_after if isinstance(error, TransientError) else None
            pause = self._queue.failed(account, pause=asked.total_seconds() if asked else None)
            self._metrics.count_error(type(error).__name__)
            _LOG.warning(
                "account not reconciled, tried again after a pause",
                namespace=namespace,
                account=name,
                error=str(error) or type(error).__name__,
                pause=round(pause, 1),
            )
        except Exception as error:  # noqa: BLE001  # a bug of ours stops no other account
            self._queue.failed(account)
            self._metrics.count_error(type(error).__name__)
            _LOG.exception("bug while reconciling", namespace=namespace, account=name)
        else:
            self._queue.done(account)
