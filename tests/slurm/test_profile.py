"""The profile as a file: how it is found, and that it says what it seems to say. Needs no Slurm."""

from pathlib import Path

import yaml

from tests.projects import CHECKOUT


def keys(profile: str) -> set[str]:
    """The top-level keys of a profile."""
    return set(yaml.safe_load((CHECKOUT / "profiles" / profile / "config.yaml").read_text()))


def test_the_name_slurm_leads_to_the_profile_from_any_clone():
    link = CHECKOUT / "slurm"
    assert link.readlink() == Path("profiles/slurm")
    assert (link / "config.yaml").exists()


def test_no_key_is_overruled_by_the_default_profile():
    assert not keys("slurm") & keys("default")


def test_slurms_own_logs_cannot_be_mistaken_for_those_of_a_study():
    profile = yaml.safe_load((CHECKOUT / "slurm" / "config.yaml").read_text())
    # The executor deletes old files called *.log in there.
    assert profile["slurm-logdir"] == "results/slurm-logs"


def test_the_keys_of_a_cluster_that_the_docs_show_are_those_of_the_profile():
    docs = (CHECKOUT / "docs" / "slurm.md").read_text()
    shown = yaml.safe_load(docs.split("```yaml\n")[1].split("```")[0])
    assert shown["default-resources"]["slurm_partition"] == "gpu"
    assert keys("slurm") & set(shown) == {"default-resources"}
