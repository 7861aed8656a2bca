"""`goldpan efficiency`: the report of Snakemake's executor for Slurm, read into advice."""

import re

import pytest
import yaml

from goldpan.cli import main
from goldpan.errors import SourceError
from goldpan.workflow.efficiency import NAMELESS, rule_efficiencies

HEAD = (
    ",JobID,JobName,RuleName,Elapsed,TotalCPU,NNodes,NCPUS,MaxRSS,ReqMem,Elapsed_sec,TotalCPU_sec,MaxRSS_MB,"
    "RequestedMem_MB,MainJobID,CPU Efficiency (%),Memory Usage (%)\n"
)


def _row(job, rule, cores, elapsed, cpu, memory, asked=8000):
    return (
        f"{job},{job}.0,python,{rule},x,x,1,{cores},x,x,{elapsed},{cpu},{memory},{asked},{job},"
        f"{100 * cpu / elapsed / cores},{100 * memory / asked}\n"
    )


@pytest.fixture
def report(tmp_path):
    path = tmp_path / "efficiency_report_x.csv"
    path.write_text(
        HEAD
        + _row(1, "rule_embed_wildcards_tiny_notes", 4, 600, 1100, 1200.5)
        + _row(2, "rule_embed_wildcards_tiny_other", 4, 1500, 2700, 900)
        + _row(3, "rule_filter_threshold_wildcards_sieve", 1, 20, 19, 0)
    )
    return path


def test_each_rule_has_its_largest_job(report):
    embed, threshold = rule_efficiencies([report])
    assert (embed.rule, embed.jobs, embed.memory_mb, embed.seconds) == ("embed", 2, 1200.5, 1500)
    assert embed.busy_cores == pytest.approx(1100 / 600)
    assert threshold.rule == "filter_threshold"


def test_the_advice_is_the_largest_job_with_something_to_spare(report):
    embed, threshold = rule_efficiencies([report])
    assert (embed.advised_memory_mb, embed.advised_cores, embed.advised_minutes) == (2000, 2, 50)
    assert (threshold.advised_memory_mb, threshold.advised_cores, threshold.advised_minutes) == (None, 1, 10)


def test_what_is_printed_is_a_profile(report, capsys):
    assert main(["efficiency", str(report)]) == 0
    printed = capsys.readouterr().out
    profile = yaml.safe_load("set-resources:" + printed.split("set-resources:")[1].split("\n\n")[0])
    assert profile["set-resources"]["embed"] == {"mem_mb": "2000 * attempt", "runtime": "50 * attempt"}
    assert profile["set-threads"] == {"embed": 2, "filter_threshold": 1}
    assert "memory was not measured (MaxRSS is 0) in any job of: filter_threshold" in printed
    assert "does not measure memory" not in printed


def test_a_job_of_no_time_is_given_some(tmp_path):
    path = tmp_path / "report.csv"
    path.write_text(HEAD + "0,1.0,python,rule_head,x,x,1,2,x,x,0,0.01,500,nan,1,50,50\n")
    [head] = rule_efficiencies([path])
    assert (head.advised_minutes, head.advised_cores, head.asked_memory_mb) == (10, 1, 0)


def test_jobs_that_two_reports_tell_of_count_once(report, tmp_path):
    later = tmp_path / "later.csv"
    later.write_text(report.read_text() + _row(4, "rule_embed_wildcards_tiny_third", 4, 60, 60, 100))
    assert [rule.jobs for rule in rule_efficiencies([report, later, report])] == [3, 1]


def test_a_comment_that_is_none_of_a_rule_names_none(tmp_path):
    path = tmp_path / "report.csv"
    path.write_text(HEAD + _row(1, "rule_a\x1b[31m", 1, 60, 60, 1) + _row(2, "mine: x", 1, 60, 60, 1))
    assert [rule.rule for rule in rule_efficiencies([path])] == [NAMELESS]


def test_a_cluster_that_keeps_no_comments_has_one_row_for_all_and_no_advice(tmp_path, capsys):
    path = tmp_path / "report.csv"
    path.write_text(HEAD.replace(",RuleName", "") + "0,1.0,python,x,x,1,2,x,x,60,60,500,1000,1,50,50\n")
    [jobs] = rule_efficiencies([path])
    assert (jobs.rule, jobs.jobs) == (NAMELESS, 1)
    assert main(["efficiency", str(path)]) == 0
    printed = capsys.readouterr().out
    assert "set-resources" not in printed and "of 1 job the report does not name the rule" in printed


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "no efficiency report"),
        ("a,b\n1,2\n", "no efficiency report"),
        (HEAD, "no efficiency report"),
        (HEAD + _row(1, "rule_embed", 4, 600, 1100, 1).replace(",600,", ",soon,"), "line 2.*no numbers"),
    ],
)
def test_another_file_is_named(tmp_path, text, what):
    path = tmp_path / "report.csv"
    path.write_text(text)
    with pytest.raises(SourceError) as caught:
        rule_efficiencies([path])
    assert str(path) in str(caught.value)
    assert re.search(what, str(caught.value), re.DOTALL)
