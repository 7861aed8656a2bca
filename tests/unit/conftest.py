"""Fixtures of tests that give commands in a folder of their own, in this process."""

import shlex

import pytest


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder that one works in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(folder, capsys):
    """Gives a command, as a text or a list; returns its exit code, what it printed, and its errors."""
    from goldpan.cli import main

    def call(command):
        code = main(command if isinstance(command, list) else shlex.split(command))
        return code, *capsys.readouterr()

    return call
