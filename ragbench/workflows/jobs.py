"""Run a command on a machine in the cloud: start a job, look at it, and get what it wrote."""

import json
import math
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from ragbench.cloud import entry
from ragbench.cloud.base import (
    CODE,
    ENTRY,
    INPUT,
    OUTPUT,
    PREFIX,
    PREVIOUS,
    TAG_COMMAND,
    TAG_FOLDER,
    TAG_OUTPUTS,
    TAGS,
    Job,
    JobRequest,
    Machine,
    Platform,
)
from ragbench.cloud.s3 import Store, split
from ragbench.core.brief import brief
from ragbench.core.context import Context
from ragbench.core.errors import InputError, SettingError
from ragbench.core.options import named, option, option_group, options
from ragbench.core.spelling import given
from ragbench.io.files import TEMPORARY, make_out
from ragbench.io.run_folder import held
from ragbench.plugins import PLATFORMS, build
from ragbench.workflows.job_command import JobCommand, read_command

DESCRIPTION, REQUIREMENTS, SOURCE = "job.json", "requirements.txt", "ragbench.zip"
FAILED_LINES = 10
"""Lines of the log that are shown for a failed job."""


@option_group
class PlatformOptions:
    """The platform of a job."""

    platform: str = option(
        "Where jobs run, NAME or NAME:key=value,...; sagemaker takes region and profile.", default="sagemaker",
        section="Job",
    )  # fmt: skip

    @property
    def service(self) -> Platform:
        """The platform."""
        found: Platform = build(PLATFORMS, self.platform)
        return found


@options
class SubmitOptions(PlatformOptions):
    """The options of ``ragbench jobs submit`` and `ragbench.jobs.submit`."""

    command: Sequence[str] = option(
        "Command that the job runs, after --: chunk, embed, answer or wattbot run.", positional=True,
        metavar="COMMAND", opens=False,
    )  # fmt: skip
    s3: str = option("Folder for the files of jobs, s3://BUCKET/FOLDER.", section="Job", metavar="URI", opens=False)
    image: str = option("Container image with Python 3.11 or later.", section="Job", metavar="URI")
    role: str = option("ARN of the role of the job.", section="Job", metavar="ARN")
    name: str | None = option(
        "Name of the job, to which ragbench adds the prefix ragbench-.",
        default=None,
        section="Job",
        unset="the command and the time",
    )
    instance: str = option("Type of the machine.", default="ml.m5.xlarge", section="Job")
    volume: int = option("Disk of the machine in GB.", default=30, section="Job")
    kms_key: str | None = option("Key that encrypts the disk and the outputs.", default=None, section="Job")
    subnets: Sequence[str] = option("Subnet of the job.", default=(), section="Job", flag="--subnet")
    security_groups: Sequence[str] = option(
        "Security group of the job, with --subnet.", default=(), section="Job", flag="--security-group"
    )
    tags: Sequence[str] = option("Tag of the job.", default=(), section="Job", flag="--tag", metavar="KEY=VALUE")
    env: Sequence[str] = option(
        "Name of an environment variable that the job gets, such as OPENAI_API_KEY.", default=(), section="Job",
        metavar="NAME",
    )  # fmt: skip
    extras: Sequence[str] = option(
        "Extra of ragbench that the command needs, such as pdf; the job installs it.",
        default=(),
        section="Job",
        flag="--extra",
    )
    requirements: Path | None = option(
        "File of the packages that the job installs, each with its version.", default=None, section="Job",
        unset="the versions that are installed here",
    )  # fmt: skip
    install: bool = option("Install packages; --no-install if the image has them.", default=True, section="Job")
    resume_from: str | None = option(
        "Earlier job whose outputs this one continues.", default=None, section="Job", metavar="NAME"
    )
    max_hours: float = option("Hours after which the platform stops the job.", default=24.0, section="Limits")
    price_per_hour: float | None = option("Price of the machine per hour.", default=None, section="Limits")
    max_cost: float | None = option(
        "The most that the machine may cost, which shortens the time; needs --price-per-hour.", default=None,
        section="Limits",
    )  # fmt: skip
    dry_run: bool = option("Show the request, and send nothing.", default=False, section="Job")

    def __post_init__(self) -> None:
        for limit in ("max_hours", "price_per_hour", "max_cost", "volume"):
            value = getattr(self, limit)
            if value is not None and not (value > 0 and math.isfinite(value)):
                raise SettingError(f"is {value}; it must be above 0", option=limit)
        if self.max_cost is not None and self.price_per_hour is None:
            raise SettingError(f"needs {named('price_per_hour')}, the price of the machine",
                               option="max_cost")  # fmt: skip
        if self.seconds < 60:
            raise SettingError(f"the limits allow {self.seconds} seconds, and a job needs at least 60")
        if bool(self.subnets) != bool(self.security_groups):
            raise SettingError(f"and {named('security_groups')} must be given together", option="subnets")
        if not self.install and (self.extras or self.requirements):
            raise SettingError(
                f"{given('install', False)} installs nothing; leave out {named('extras')} and {named('requirements')}"
            )

    @property
    def seconds(self) -> int:
        """The longest time of the job."""
        hours = self.max_hours
        if self.max_cost is not None and self.price_per_hour is not None:
            hours = min(hours, self.max_cost / self.price_per_hour)
        return int(hours * 3600)

    @property
    def most_cost(self) -> float | None:
        """The most that the machine costs; None if its price is unknown."""
        return None if self.price_per_hour is None else self.seconds / 3600 * self.price_per_hour


@brief
@dataclass(frozen=True)
class SubmittedJob:
    """A job that was started, or would be.

    Attributes:
        name: its name.
        folder: where its files are.
        request: what the platform was sent; values of environment variables are not shown.
        sent: whether it was sent.
        seconds: the platform stops it after this time.
        most_cost: the most that the machine costs; None if its price is unknown.
    """

    name: str
    folder: str
    request: Mapping[str, object]
    sent: bool
    seconds: int
    most_cost: float | None


def run_submit(options: SubmitOptions, context: Context) -> SubmittedJob:
    """Upload a command, its inputs and ragbench itself, and start a job that runs the command.

    Raises:
        SettingError: an option that cannot be used, or a command that jobs do not run.
        InputError: an input or a variable does not exist, the name is taken, or the platform refuses.
        MissingExtra: the library of the platform is not installed.

    Examples:
        >>> rb.jobs.submit(["eval"], s3="s3://bucket/jobs", image="image", role="arn:aws:iam::123456789012:role/jobs")
        Traceback (most recent call last):
        ragbench.core.errors.SettingError: command= begins with 'eval'; jobs run chunk, ...
    """
    command = read_command(options.command)
    split(options.s3)
    name = _name(options, command)
    folder = f"{options.s3.rstrip('/')}/{name}"
    service = options.service
    inputs = {CODE: f"{folder}/{CODE}/"}
    for key, value in command.inputs.items():
        inputs[key] = value if isinstance(value, str) else f"{folder}/{INPUT}/{key}/"
    if options.resume_from is not None and not options.dry_run:
        inputs[PREVIOUS] = f"{_found(service, options.resume_from).folder}/{OUTPUT}/"
    machine = Machine(
        options.image, options.role, options.instance, options.volume, options.seconds, options.kms_key,
        options.subnets, options.security_groups,
    )  # fmt: skip
    tags = {**_tags(options.tags), TAG_FOLDER: folder, TAG_COMMAND: command.command,
            TAG_OUTPUTS: " ".join(command.outputs)}  # fmt: skip
    request = JobRequest(name, folder, inputs, command.outputs, _environment(options), tags, machine)
    written = service.written(request)
    shown = {**written, "Environment": dict.fromkeys(request.environment, "***")} if request.environment else written
    with TemporaryDirectory(prefix="ragbench-") as made:
        _write_code(Path(made), options, command, name)
        if not options.dry_run:
            if service.find(name) is not None:
                raise InputError(f"{name}: a job has this name already; choose another ({named('name')})")
            _upload(service, command, folder, Path(made), context)
            service.submit(request)
    return SubmittedJob(name, folder, shown, not options.dry_run, options.seconds, options.most_cost)


def _name(options: SubmitOptions, command: JobCommand) -> str:
    if options.name is not None:
        return _full(options.name)
    return f"{PREFIX}{command.command.replace(' ', '-')}-{datetime.now(UTC):%Y%m%d-%H%M%S}"


def _full(name: str) -> str:
    return name if name.startswith(PREFIX) else PREFIX + name


def _tags(written: Sequence[str]) -> dict[str, str]:
    found = {}
    for each in written:
        key, equals, value = each.partition("=")
        if not key or not equals:
            raise SettingError(f"is {each!r}; write KEY=VALUE", option="tags")
        if key in TAGS:
            raise SettingError(f"is {each!r}; ragbench itself sets this tag", option="tags")
        found[key] = value
    return found


def _environment(options: SubmitOptions) -> dict[str, str]:
    for name in options.env:
        if "=" in name:
            shown = name.partition("=")[0]
            raise SettingError(f"is {shown}=...; give only the name, and set the variable here", option="env")
        if name not in os.environ:
            raise InputError(f"{name}: this environment variable is not set here ({named('env')})")
    return {name: os.environ[name] for name in options.env}


def _write_code(folder: Path, options: SubmitOptions, command: JobCommand, name: str) -> None:
    """Write what the job runs: its command, the script that starts it, ragbench, and the packages it needs."""
    from ragbench.cloud.pack import checked_requirements, pack_source, pinned

    described = {"version": 1, "name": name, "command": command.command, "words": command.words,
                 "outputs": command.outputs}  # fmt: skip
    (folder / DESCRIPTION).write_text(json.dumps(described, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    shutil.copyfile(entry.__file__, folder / ENTRY)
    if options.install:
        lines = pinned(options.extras) if options.requirements is None else checked_requirements(options.requirements)
        (folder / REQUIREMENTS).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    pack_source(folder / SOURCE)


def _upload(service: Platform, command: JobCommand, folder: str, code: Path, context: Context) -> None:
    store = service.store
    local = [(path, f"{folder}/{INPUT}/{key}") for key, path in command.inputs.items() if isinstance(path, Path)]
    with context.progress("Uploading", 1 + len(local)) as advance:
        for path, uri in [*local, (code, f"{folder}/{CODE}")]:
            store.upload(path, uri)
            advance(1)


@options
class StatusOptions(PlatformOptions):
    """The options of ``ragbench jobs status`` and `ragbench.jobs.status`."""

    name: str | None = option("Name of a job.", positional=True, default=None, unset="all jobs")
    tags: Sequence[str] = option("Only jobs with this tag.", default=(), section="Job", flag="--tag",
                                 metavar="KEY=VALUE")  # fmt: skip


def run_status(options: StatusOptions, context: Context) -> list[Job]:
    """List the jobs that ragbench started in this account, from any machine, the latest first.

    Raises:
        InputError: there is no such job, or the platform refuses.

    Examples:
        >>> rb.jobs.status("ragbench-chunk")  # doctest: +SKIP
    """
    wanted = _tags(options.tags)
    found = options.service.jobs() if options.name is None else [_found(options.service, options.name)]
    return [job for job in found if wanted.items() <= job.tags.items()]


def _found(service: Platform, name: str) -> Job:
    name = _full(name)
    job = service.find(name)
    if job is None:
        raise InputError(
            f"{name}: ragbench started no job of this name in this account and region; 'ragbench jobs status' lists all"
        )
    return job


@options
class LogsOptions(PlatformOptions):
    """The options of ``ragbench jobs logs`` and `ragbench.jobs.logs`."""

    name: str = option("Name of a job.", positional=True)
    last: int = option("Number of lines to show, from the end.", default=100)

    def __post_init__(self) -> None:
        if self.last < 1:
            raise SettingError(f"is {self.last}; it must be 1 or more", option="last")


def run_logs(options: LogsOptions, context: Context) -> list[str]:
    """Get the last lines that a job printed. There are none before it has started.

    Raises:
        SettingError: fewer than one line is wanted.
        InputError: there is no such job, or the platform refuses.

    Examples:
        >>> rb.jobs.logs("ragbench-chunk", last=20)  # doctest: +SKIP
    """
    service = options.service
    return service.logs(_found(service, options.name).name, options.last)


@options
class FetchOptions(PlatformOptions):
    """The options of ``ragbench jobs fetch`` and `ragbench.jobs.fetch`."""

    name: str = option("Name of a job.", positional=True)
    out: Path = option("Folder to write.", section="Output", writes="folder")
    wait: bool = option("Wait until the job has ended.", default=False)
    every: float = option("Seconds between two checks, with --wait.", default=30.0)

    def __post_init__(self) -> None:
        if not (self.every > 0 and math.isfinite(self.every)):
            raise SettingError(f"is {self.every}; it must be above 0", option="every")


@brief
@dataclass(frozen=True)
class FetchedJob:
    """What a job wrote.

    Attributes:
        job: the job.
        files: number of files.
        out: the folder they are in.
        log: the last lines of its log, if it failed.
    """

    job: Job
    files: int
    out: Path
    log: Sequence[str]


def run_fetch(options: FetchOptions, context: Context) -> FetchedJob:
    """Download what a job wrote. The folder appears when it is complete.

    Repeat the call if it was interrupted, or if files are missing in the folder: it downloads only those.

    If the job failed or was stopped, you get what it had written by then.

    Raises:
        SettingError: an option that cannot be used.
        InputError: there is no such job, it has not ended, it wrote nothing, or the folder holds other files.

    Examples:
        >>> rb.jobs.fetch("ragbench-chunk", "runs/chunks")  # doctest: +SKIP
    """
    service = options.service
    job = _found(service, options.name)
    while job.under_way and options.wait:
        time.sleep(options.every)
        job = _found(service, job.name)
    if job.under_way:
        raise InputError(f"{job.name}: it is {job.state}; give {named('wait')}, or repeat the call later")
    log = service.logs(job.name, FAILED_LINES) if job.state == "failed" else []
    outputs = job.tags.get(TAG_OUTPUTS, "").split()
    source = f"{job.folder}/{OUTPUT}" + (f"/{outputs[0]}" if len(outputs) == 1 else "")
    out = options.out
    part = out.parent / f".{out.name}.{job.name}"
    _refuse_others(service.store, source, out)
    make_out(part)
    with held(part):
        # Another process may have fetched it meanwhile.
        whole = _holds_files(out)
        files = len(service.store.fetch(source, out if whole else part))
        if whole or not files:
            shutil.rmtree(part)
        if not files:
            lines = "".join(f"\n  {line}" for line in log or job.reason.splitlines())
            raise InputError(f"{job.name}: it {job.state} and wrote nothing to {source}{lines}")
        if not whole:
            if out.is_dir():
                out.rmdir()
            part.replace(out)
    return FetchedJob(job, files, out, log)


def _holds_files(out: Path) -> bool:
    return out.is_dir() and any(out.iterdir())


def _refuse_others(store: Store, source: str, out: Path) -> None:
    """Refuse a folder with files that are not the job's, or were changed after they were fetched."""
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file; name a folder")
    if not _holds_files(out):
        return
    prefix = split(source)[1]
    objects = {one.key.removeprefix(f"{prefix}/"): one for one in store.objects(source)}
    for path in sorted(out.rglob("*")):
        found = objects.get(path.relative_to(out).as_posix())
        if path.is_file() and not TEMPORARY.fullmatch(path.name) and (found is None or not found.is_at(path)):
            raise InputError(f"{path}: is not a file of this job, or was changed; name another folder")


@options
class StopOptions(PlatformOptions):
    """The options of ``ragbench jobs stop`` and `ragbench.jobs.stop`."""

    name: str = option("Name of a job.", positional=True)


def run_stop(options: StopOptions, context: Context) -> Job:
    """Stop a job. What it has written is kept, and can be fetched.

    Raises:
        InputError: there is no such job, it has ended, or the platform refuses.

    Examples:
        >>> rb.jobs.stop("ragbench-chunk")  # doctest: +SKIP
    """
    service = options.service
    job = _found(service, options.name)
    if not job.under_way:
        raise InputError(f"{job.name}: it has ended already ({job.state})")
    service.stop(job.name)
    return _found(service, job.name)
