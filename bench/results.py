"""Runs kept in a CSV file: written as they come, read again to go on where a suite was left."""

import csv
import dataclasses
import pathlib

import instances

INSTANCE_FIELDS = dataclasses.fields(instances.Instance)
RUN_FIELDS = dataclasses.fields(instances.Run)
COLUMNS = [f.name for f in INSTANCE_FIELDS] + ["repetition", "threads", "tool"] + [f.name for f in RUN_FIELDS]


@dataclasses.dataclass(frozen=True)
class Job:
    instance: instances.Instance
    repetition: int


class Results:
    """Of one tool with one number of threads. Runs that failed are not kept from an earlier time, but made again."""

    def __init__(self, path, tool, threads, fresh=False):
        self.path = pathlib.Path(path)
        self.tool = tool
        self.threads = threads
        self.runs = {}
        if self.path.exists() and not fresh:
            self.runs = dict(self.read())
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path, "w", newline="") as file:
            csv.writer(file).writerow(COLUMNS)
        for job, run in self.runs.items():
            self.append(job, run)

    def read(self):
        with open(self.path, newline="") as file:
            reader = csv.DictReader(file)
            if reader.fieldnames != COLUMNS:
                raise ValueError(f"{self.path}: its columns are not those of this version; --fresh overwrites it")
            for row in reader:
                if None in row.values():  # the last line of a run that was ended
                    continue
                if (row["tool"], row["threads"]) != (self.tool, str(self.threads)):
                    raise ValueError(
                        f"{self.path}: made by '{row['tool']}' with {row['threads']} threads, now it is '{self.tool}'"
                        f" with {self.threads}; --fresh overwrites it"
                    )
                run = instances.Run(**{f.name: f.type(row[f.name]) for f in RUN_FIELDS})
                if run.verdict != "failed":
                    instance = instances.Instance(**{f.name: f.type(row[f.name]) for f in INSTANCE_FIELDS})
                    yield Job(instance, int(row["repetition"])), run

    def add(self, job, run):
        self.runs[job] = run
        self.append(job, run)

    def append(self, job, run):
        row = {"repetition": job.repetition, "threads": self.threads, "tool": self.tool}
        row |= dataclasses.asdict(job.instance) | dataclasses.asdict(run)
        with open(self.path, "a", newline="") as file:
            csv.DictWriter(file, COLUMNS).writerow(row)
