"""The alerts and the dashboard: they go by figures that there are, and Prometheus takes them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from docs.make.dashboard import PANELS, dashboard
from wagman.bridges.fleet import figures as fleet
from wagman.bridges.metrics.catalogue import SUBJECTS, UP

ROOT = Path(__file__).parents[3]
RULES = ROOT / "contrib" / "prometheus" / "wagman.rules.yml"
TESTS = RULES.with_name("wagman.rules.test.yml")
FLEET_RULES = RULES.with_name("wagman.fleet.rules.yml")
FLEET_TESTS = RULES.with_name("wagman.fleet.rules.test.yml")
EITHER = pytest.mark.parametrize(("rules", "tests"), [(RULES, TESTS), (FLEET_RULES, FLEET_TESTS)], ids=["a node", "a fleet"])
QUERIES = [query for panel in PANELS for query, _ in panel.queries]
FLEET_NAMES = {fleet.UP.name, *(family.name for family in fleet.FAMILIES)}
NAMES = {UP.name, *(family.name for subject in SUBJECTS for family in subject.families)}

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="takes promtool, which is in Debian's package prometheus"
)


def promtool(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *words], capture_output=True, text=True, check=False)


def alerts(text: str) -> list[str]:
    return re.findall(r"alert: (\w+)", text)


@EITHER
@needs_promtool
def test_promtool_takes_the_rules_and_their_tests_hold(rules: Path, tests: Path) -> None:
    checked = promtool("check", "rules", str(rules))
    assert (checked.returncode, checked.stderr) == (0, "")
    assert f"SUCCESS: {len(alerts(rules.read_text()))} rules found" in checked.stdout
    tested = promtool("test", "rules", str(tests))
    assert tested.returncode == 0, tested.stdout + tested.stderr


@EITHER
def test_every_alert_has_a_test_in_which_it_is_given_and_one_in_which_it_is_not(rules: Path, tests: Path) -> None:
    cases = re.findall(r"- (?:\{.*?alertname: (\w+)\}|eval_time: \S+\n +alertname: (\w+)\n +exp_alerts:)", tests.read_text())
    for alert in alerts(rules.read_text()):
        assert {(alert, ""), ("", alert)} <= set(cases)


@pytest.mark.parametrize(("rules", "name"), [(RULES, "metrics.md"), (FLEET_RULES, "fleet.md")])
def test_every_alert_is_on_the_page(rules: Path, name: str) -> None:
    page = (ROOT / "docs" / name).read_text()
    assert re.findall(r"^\| `(Wagman\w+)` \|", page, re.MULTILINE) == alerts(rules.read_text())


def test_the_rules_of_a_fleet_and_their_tests_go_by_figures_that_there_are() -> None:
    expressions = [line for line in FLEET_RULES.read_text().splitlines() if re.match(r" +expr:", line)]
    series = re.findall(r"series: '(\w+)", FLEET_TESTS.read_text())
    named = {name for text in (*expressions, *series) for name in re.findall(r"\bwagman_\w+", text)}
    assert len(named) > 5
    assert named <= FLEET_NAMES


def test_rules_their_tests_and_the_dashboard_go_by_figures_that_there_are() -> None:
    expressions = [line for line in RULES.read_text().splitlines() if re.match(r" +(expr:|and |wagman_)", line)]
    series = re.findall(r"series: '(\w+)\{", TESTS.read_text())
    named = {name for text in (*expressions, *QUERIES, *series) for name in re.findall(r"\bwagman_\w+", text)}
    assert len(named) > 15
    assert named <= NAMES


@needs_promtool
def test_promtool_takes_the_queries_of_the_dashboard(tmp_path: Path) -> None:
    rules = [f"      - record: panel:{number}\n        expr: |\n          {query}" for number, query in enumerate(QUERIES)]
    file = tmp_path / "dashboard.yml"
    file.write_text("\n".join(["groups:", "  - name: dashboard", "    rules:", *rules, ""]))
    checked = promtool("check", "rules", str(file))
    assert (checked.returncode, checked.stderr) == (0, "")
    assert f"SUCCESS: {len(QUERIES)} rules found" in checked.stdout


def test_no_two_panels_of_the_dashboard_lie_upon_each_other() -> None:
    places = [panel["gridPos"] for panel in dashboard()["panels"]]
    cells = [(x, y) for at in places for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24
