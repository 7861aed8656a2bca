"""What commands share: the project they are about."""

from __future__ import annotations

import argparse

from goldpan.study import Project, load_project


def project_of(options: argparse.Namespace) -> Project:
    """The project that the options of `add_project_options` mean."""
    return load_project(options.study, root=options.root, ledger=options.ledger, results=options.results)
