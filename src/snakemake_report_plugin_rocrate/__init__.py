"""`snakemake --reporter rocrate`: the finished run as an RO-Crate, see `goldpan.report.crate`."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from snakemake_interface_report_plugins.reporter import ReporterBase
from snakemake_interface_report_plugins.settings import ReportSettingsBase


@dataclass
class ReportSettings(ReportSettingsBase):
    """What the one who makes the crate says of it."""

    license: str = field(
        default="",
        metadata={"help": "Licence of what is in the crate: a URL or an SPDX identifier", "env_var": False},
    )


class Reporter(ReporterBase):
    """Writes `ro-crate-metadata.json` into the working folder."""

    settings: ReportSettings

    def render(self) -> None:
        """Write the file."""
        import snakemake

        from goldpan.files import write_json
        from goldpan.records.inputs import behind_stand_ins
        from goldpan.report.crate import NAME, WorkflowRun, crate_of
        from goldpan.study import load_project

        config = self.dag.workflow.config
        project = load_project(config["study"], results=config.get("results"))
        results = [
            record for parts in self.results.values() for records in parts.values() for record in records
        ]
        made = {path for job in self.jobs for path in map(str, job.output)} | {str(it.path) for it in results}
        read = {str(path) for job in self.jobs for path in job.job.input} | {str(project.study_file)}
        # A link stands in for a file whose name Snakemake cannot take; its readers read the file.
        real = behind_stand_ins(project, read | made)
        read, made = {real.get(path, path) for path in read}, made - set(real)
        run = WorkflowRun(
            study=project.study.study,
            description=project.study.description,
            workflow=Path(self.dag.workflow.main_snakefile),
            inputs=read | {"config/config.yaml"},
            outputs=made,
            start=min((job.starttime for job in self.jobs), default=0.0),
            end=max((job.endtime for job in self.jobs), default=0.0),
            snakemake=snakemake.__version__,
            licence=self.settings.license or None,
            about={str(it.path): _plain(it.caption) for it in results},
        )
        write_json(project.root / NAME, crate_of(run, project.root))


def _plain(caption: str) -> str:
    """A caption without its marks."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", caption or "")).strip()
