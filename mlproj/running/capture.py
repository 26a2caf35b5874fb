"""Records what a command logs and leaves behind, while it runs and after its end."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from mlproj.backends.base import LASTING, Usage
from mlproj.environments.base import Network
from mlproj.foundation import env_vars, paths
from mlproj.foundation.errors import MlprojError, ServiceError
from mlproj.foundation.progress import Progress
from mlproj.foundation.tree_digest import MASKED, SNAPSHOT
from mlproj.mlflow_import import location
from mlproj.run_folder import artifact_folder, log_file, output_log, outputs
from mlproj.running import system_metrics
from mlproj.running.definition import DefaultsMasked
from mlproj.running.isolation.base import HERE, Reach
from mlproj.running.named_servers import NamedServers
from mlproj.running.plan import Plan, source_document
from mlproj.server.embedded import Embedded
from mlproj.tracking.base import Run, RunChanges, Status, TrackingStore

if TYPE_CHECKING:
    from mlproj.running.background_worker import BackgroundWorker


class Capture:
    """The files and the tracking server that the command of *run* logs to, from just before it begins.

    *store*, at the address *uri*, is where the run is recorded; *is_remote* says whether it goes on from there to a
    server.
    """

    def __init__(
        self, plan: Plan, run: Run, store: TrackingStore, uri: str | None, progress: Progress, *, is_remote: bool
    ) -> None:
        self.run_dir = paths.run_dir(run.run_id)
        self.artifacts = self.run_dir
        self._plan = plan
        self._run = run
        self._store = store
        self._uri = uri
        self._progress = progress
        self._is_remote = is_remote
        asked = plan.request.system_metrics
        self._samples = system_metrics.wanted() if asked is None else asked
        self._interval = system_metrics.interval()
        self._embedded: Embedded | None = None
        self._named_servers: NamedServers | None = None
        self._reader: log_file.Reader | None = None
        self._before: outputs.Snapshot | None = None
        self._background_worker: BackgroundWorker | None = None

    def begin(self, network: Network, environ: Mapping[str, str], resources: ExitStack) -> None:
        """Make what the command logs to, at *network*, for as long as *resources*, and look at the files: from here on
        changes are the command's. Raises ServiceError."""
        try:
            log_file.make(self.run_dir)
            self.artifacts = artifact_folder.make(self._run, self.run_dir)
        except OSError as error:
            raise ServiceError(f"cannot make {error.filename}: {error.strerror}") from error
        self._reader = log_file.Reader(self._store, self._run.run_id, self.run_dir)
        self._embedded = resources.enter_context(self._tracking_server(network))
        self._named_servers = resources.enter_context(self._servers_named(network, environ))
        self._before = outputs.Snapshot.take(self._plan.checkout.root)
        if self._plan.revision.kind == "folder" and not self._plan.revision.commit:
            self._keep_source(self._before)

    def _keep_source(self, files: outputs.Snapshot) -> None:
        """Copy what has no history."""
        from mlproj.run_folder import source_snapshot

        masked = DefaultsMasked()
        with suppress(OSError):  # it is for doing it again, and no reason not to run
            digest = source_snapshot.keep(files, self.run_dir / paths.PROJECT, masked)
            if digest:
                document = {**source_document(self._plan.revision), SNAPSHOT: digest}
                source = document | ({MASKED: sorted(masked.parameters)} if masked.parameters else {})
                self._store.update_run(self._run.run_id, RunChanges(source=source))
        if notice := masked.notice():
            self._progress.warn(str(notice))

    def _servers_named(self, network: Network, environ: Mapping[str, str]) -> NamedServers:
        has_own_network = self._plan.request.sandbox or network.name != HERE.name
        return NamedServers(
            self._plan, self._run.run_id, environ, self.embedded.admit, self._progress, has_own_network=has_own_network
        )

    def _tracking_server(self, network: Network) -> Embedded:
        request = self._plan.request
        return Embedded(
            self._run,
            self._store,
            folder=self._plan.checkout.project_dir,
            experiment_chosen=bool(request.experiment_name or request.experiment_id),
            name_chosen=bool(request.run_name),
            proxied=not self._plan.isolation.writes_here,
            confined=request.sandbox,
            host=network.listen,
            name=network.name,
            uri=self._uri,
            team=env_vars.TRACKING_URI.get() if self._is_remote else None,
        )

    @property
    def embedded(self) -> Embedded:
        """The run's tracking server, once it has begun."""
        assert self._embedded is not None
        return self._embedded

    @property
    def named_servers(self) -> NamedServers:
        """The servers on this machine that the project names, once it has begun."""
        assert self._named_servers is not None
        return self._named_servers

    @property
    def reach(self) -> Reach:
        """What of the run the command reaches."""
        return Reach(self.run_dir, self.artifacts, self.embedded.port, self._uri, self.named_servers)

    def is_lasting(self, pid: int | None) -> None:
        """Begin what goes on beside a command that takes a while; *pid* is its first process, if that is on this
        machine."""
        from mlproj.running.background_worker import BackgroundWorker

        assert self._reader is not None
        first = max(0.0, system_metrics.FIRST - LASTING)
        sampler = system_metrics.Sampler(pid, self._interval, first) if pid and self._samples else None
        self._background_worker = BackgroundWorker(
            self._store, self._run.run_id, self._reader, sampler, self._look_at_output
        )
        self._background_worker.start()

    def _look_at_output(self) -> None:
        self.named_servers.look(self.run_dir / output_log.LOG)

    def log_usage(self, usage: Usage | None) -> None:
        """Log what the command used in all, where that is known and wanted."""
        if usage and self._samples:
            self._store.log(self._run.run_id, metrics=system_metrics.usage(usage.cpu_seconds, usage.peak_memory))

    def stop_server(self) -> Status | None:
        """Close the tracking server; FAILED or KILLED where the program left its run so."""
        if self._embedded is None:
            return None
        if self._named_servers:
            self._named_servers.stop()
            if tag := self._named_servers.tag():
                self._store.log(self._run.run_id, tags=tag)
        self._embedded.stop()
        for warning in self._embedded.warnings():
            self._progress.warn(warning)
        return self._embedded.reported_failure

    def collect(self, ended: Status, lock: str | None) -> None:
        """Keep what a command that *ended* so left: files it made or changed, and what it logged. Trouble here is
        reported, not raised.

        *lock* is the name of the environment's lock in the run's folder.
        """
        if self._background_worker:
            self._background_worker.stop()
        if self._before is None:
            return  # nothing was run
        self._read_rest()
        try:
            changed = self._before.changes()
            kept = outputs.keep(changed, self.artifacts, limit=self._plan.request.output_limit, progress=self._progress)
            self._store.update_run(self._run.run_id, RunChanges(outputs=kept))
            if self._is_remote:
                from mlproj.outbox import files

                files.keep_record(self.run_dir, lock, self.artifacts)
            artifact_folder.keep(self._run, self.artifacts)
            self._collect_logged(ended)
        except (OSError, MlprojError) as trouble:
            self._progress.warn(f"not everything that the run left could be kept: {trouble}")

    def _read_rest(self) -> None:
        """Read what the program wrote to the run's files since the last time."""
        assert self._reader is not None
        try:
            self._reader.read(final=True)
        except (OSError, MlprojError) as trouble:
            self._progress.warn(f"not everything that the run logged could be read: {trouble}")
        for problem in self._reader.problems:
            self._progress.warn(f"not logged: {problem}")

    def _collect_logged(self, ended: Status) -> None:
        run, checkout = self._run, self._plan.checkout.root
        if not any(location.candidates(location.folders(self.run_dir, checkout, run.source), run.start_time or 0)):
            return
        from mlproj.mlflow_import import program_log

        adopt = self._embedded is None or not self._embedded.is_adopted
        program_log.collect(
            self._store, run, run_dir=self.run_dir, checkout=checkout, ended=ended, progress=self._progress, adopt=adopt
        )

    def end_children(self, status: Status) -> None:
        """End the runs that the program began inside of its own and left running."""
        if self._embedded:
            self._embedded.end_children(status)
