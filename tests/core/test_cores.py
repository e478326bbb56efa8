"""Threads: what the machine, the container and the user allow."""

import os
from pathlib import Path

import pytest

from ragbench.core.cores import usable_cores


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


def test_without_limits_it_is_the_affinity(tmp_path: Path) -> None:
    assert usable_cores(tmp_path) == 8


@pytest.mark.parametrize(("limit", "cores"), [("max 100000", 8), ("200000 100000", 2), ("50000 100000", 1), ("", 8)])
def test_quota_of_a_container(tmp_path: Path, limit: str, cores: int) -> None:
    (tmp_path / "cpu.max").write_text(limit + "\n")
    assert usable_cores(tmp_path) == cores


@pytest.mark.parametrize(("quota", "cores"), [("-1", 8), ("300000", 3)])
def test_quota_of_an_older_container(tmp_path: Path, quota: str, cores: int) -> None:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text(quota + "\n")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert usable_cores(tmp_path) == cores


@pytest.mark.parametrize(("wish", "cores"), [("1", 1), ("4", 4), ("4,2", 4), ("99", 8), ("0", 8), ("many", 8)])
def test_wish_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wish: str, cores: int) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", wish)
    assert usable_cores(tmp_path) == cores
