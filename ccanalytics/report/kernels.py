"""Kernels for reports: this interpreter, no open ports, a chosen environment, and a sure end."""

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Lock
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

from ccanalytics.report.processes import kernel_environment, kill_group


class Kernels:
    """The kernels of one report; `manager` is the class papermill starts them through."""

    def __init__(self, python: str, environment: Mapping[str, str], folder: Path) -> None:
        self.python = python
        self.environment = dict(environment)
        self.folder = folder
        self._lock = Lock()
        self._managers: list[AsyncKernelManager] = []
        self._stopped = False

    @property
    def manager(self) -> type[AsyncKernelManager]:
        """A kernel manager class bound to these kernels."""
        return type("ReportKernelManager", (_Manager,), {"kernels": self})

    def join(self, manager: AsyncKernelManager) -> int:
        """The number of a kernel about to start."""
        with self._lock:
            if self._stopped:
                raise RuntimeError("The report was stopped before this kernel started.")
            self._managers.append(manager)
            return len(self._managers)

    def kill(self) -> None:
        """End every kernel at once, and let no other start."""
        with self._lock:
            self._stopped = True
            managers = list(self._managers)
        for manager in managers:
            process = getattr(manager.provisioner, "process", None)
            if process is not None and process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    kill_group(process.pid)


class _Manager(AsyncKernelManager):
    """Starts this interpreter whatever kernels are registered; sockets are files, not ports."""

    kernels: Kernels

    @property
    def kernel_spec(self) -> KernelSpec:
        command = [self.kernels.python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=command, display_name="Python 3", language="python")

    async def _async_start_kernel(self, **options: Any) -> None:
        number = self.kernels.join(self)
        if os.name == "posix":
            self.transport = "ipc"
        self.connection_file = str(self.kernels.folder / f"k{number}.json")
        options["env"] = self.kernels.environment
        await super()._async_start_kernel(**options)

    start_kernel = _async_start_kernel


@contextlib.contextmanager
def kernels(python: str, environment: Mapping[str, str]) -> Iterator[Kernels]:
    """Kernels that are gone when the block is left, however it is left."""
    with tempfile.TemporaryDirectory(prefix="cca-", ignore_cleanup_errors=True) as folder:
        started = Kernels(python, kernel_environment(environment, Path(folder)), Path(folder))
        try:
            yield started
        finally:
            started.kill()
