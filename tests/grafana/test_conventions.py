"""The dashboards keep the conventions of Grafana's dashboard linter and of provisioning, and name what is published."""

import re

import pytest

import grafana.build
from grafana import palette
from tests.grafana.boards import FILES, QUERIES, Json, Query, load, panels_of
from tests.grafana.promql import TARGET, UnknownNameError, labels_of, selectors_of

EVERYWHERE = {"cluster": ".*", "namespace": ".*", "pvc": "data"}
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
UIDS = {load(path)["uid"] for path in FILES}

boards = pytest.mark.parametrize("board", [load(path) for path in FILES], ids=[path.stem for path in FILES])
queries = pytest.mark.parametrize("query", QUERIES, ids=[f"{q.board}-{q.panel}-{q.ref}" for q in QUERIES])
panels = pytest.mark.parametrize(
    "panel",
    [panel for path in FILES for panel in panels_of(load(path))],
    ids=[f"{path.stem}-{panel['title']}" for path in FILES for panel in panels_of(load(path))],
)


def test_the_committed_files_are_what_the_code_builds() -> None:
    assert {path.name: path.read_text() for path in FILES} == grafana.build.rendered()


def test_the_boards_have_uids_of_their_own() -> None:
    assert len(UIDS) == len(FILES) == 2
    assert all(len(uid) <= 40 for uid in UIDS)


@boards
def test_a_board_can_be_provisioned(board: Json) -> None:
    assert board.get("id") is None
    assert board["editable"] is False
    assert "__inputs" not in board
    assert board["schemaVersion"] >= 36
    assert board["title"]
    assert board["description"]
    assert board["tags"] == ["volsync-exporter"]


@boards
def test_a_board_takes_its_datasource_and_cluster_as_variables(board: Json) -> None:
    variables = {variable["name"]: variable for variable in board["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    assert variables["datasource"]["query"] == "prometheus"
    assert variables["datasource"]["label"] == "Data source"
    cluster = variables["cluster"]
    assert (cluster["includeAll"], cluster["allValue"], cluster["multi"]) == (True, ".*", True)
    assert cluster["current"]["value"] == ["$__all"]
    for variable in variables.values():
        if variable["type"] == "query":
            assert variable["datasource"] == DATASOURCE
            assert variable["refresh"] == 2, "the values follow the time range"


@boards
def test_the_variables_ask_for_what_is_published(board: Json) -> None:
    asked = [variable["query"] for variable in board["templating"]["list"] if variable["type"] == "query"]
    assert len(asked) >= 2
    for query in asked:
        found = re.fullmatch(r"label_values\((.+), (\w+)\)", query)
        assert found is not None
        assert found[2] in labels_of(Query("", "", "", found[1], instant=True, legend="").filled(**EVERYWHERE))


@boards
def test_a_board_leads_to_the_other_and_takes_its_variables_along(board: Json) -> None:
    (link,) = board["links"]
    assert (link["type"], link["tags"]) == ("dashboards", board["tags"])
    assert link["includeVars"]
    assert link["keepTime"]
    assert "placement" not in link


@boards
def test_ids_are_there_and_differ(board: Json) -> None:
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)
    assert all(isinstance(number, int) for number in ids)
    assert len({panel["title"] for panel in panels_of(board)}) == len(panels_of(board))


@boards
def test_panels_fill_the_grid_without_overlapping(board: Json) -> None:
    cells: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        own = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not own & cells, panel["title"]
        cells |= own
    assert len(cells) == 24 * (max(y for _, y in cells) + 1)


@panels
def test_a_panel_says_what_it_shows(panel: Json) -> None:
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["datasource"] == DATASOURCE
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["fieldConfig"]["defaults"]["noValue"]
    assert panel["targets"]
    refs = [target["refId"] for target in panel["targets"]]
    assert len(set(refs)) == len(refs)
    assert all(target["datasource"] == DATASOURCE for target in panel["targets"])


@panels
def test_a_unit_is_one_of_grafanas(panel: Json) -> None:
    config = panel["fieldConfig"]
    overridden = {p["value"] for o in config["overrides"] for p in o["properties"] if p["id"] == "unit"}
    assert overridden | {config["defaults"]["unit"]} <= {"short", "s", "bytes", "percentunit", "cpm", "dateTimeFromNow"}


@panels
def test_a_panel_takes_its_colours_from_the_palette(panel: Json) -> None:
    colours = set(re.findall(r"#[0-9A-Fa-f]{6}", str(panel)))
    known = {value for value in vars(palette).values() if isinstance(value, str) and value.startswith("#")}
    assert colours <= known
    assert not re.search(r"'(color|fixedColor)': '(green|red|yellow|orange)", str(panel))


@panels
def test_links_name_a_board_and_fields_that_are_there(panel: Json) -> None:
    columns = {
        name
        for step in panel.get("transformations", [])
        if step["id"] == "organize"
        for name in step["options"]["renameByName"].values()
    }
    for override in panel["fieldConfig"]["overrides"]:
        for link in (link for p in override["properties"] if p["id"] == "links" for link in p["value"]):
            if link["url"].startswith("/d/"):
                assert link["url"].split("?")[0].removeprefix("/d/") in UIDS
            else:
                assert link["url"].startswith("${runbooks}/")
            assert set(re.findall(r"__data\.fields\.(\w+)", link["url"])) <= columns
            shown = [labels_of(_query(target).filled(**EVERYWHERE)) for target in panel["targets"]]
            for label in re.findall(r"__field\.labels\.(\w+)", link["url"]):
                assert all(label in labels for labels in shown)


@panels
def test_columns_name_labels_and_values_that_are_there(panel: Json) -> None:
    """A column that is named, hidden, grouped or overridden is one that the queries yield."""
    if panel["type"] != "table":
        return
    labels = frozenset[str]().union(*(labels_of(_query(t).filled(**EVERYWHERE)) for t in panel["targets"]))
    refs = [target["refId"] for target in panel["targets"]]
    values = {"Value"} if len(refs) == 1 else {f"Value #{ref}" for ref in refs}
    fields = {"Time", *labels, *values}
    shown: set[str] = set()
    for step in panel["transformations"]:
        if step["id"] == "groupBy":
            assert set(step["options"]["fields"]) <= fields
            fields = {
                f"{name} ({how})" if options["operation"] == "aggregate" else name
                for name, options in step["options"]["fields"].items()
                for how in (options["aggregations"] or [""])
            }
        if step["id"] == "organize":
            named = set(step["options"]["renameByName"])
            hidden = set(step["options"]["excludeByName"]) - {"Time"}
            assert named | hidden <= fields
            assert fields - named - hidden <= {"Time"}, "every column is named or hidden on purpose"
            shown = set(step["options"]["renameByName"].values())
    everything, *overrides = panel["fieldConfig"]["overrides"]
    assert everything["matcher"]["options"] == "/.*/"
    assert everything["properties"] == [{"id": "noValue", "value": "-"}], "an empty cell is no empty table"
    overridden = {o["matcher"]["options"] for o in overrides}
    assert overridden <= shown
    assert {by["displayName"] for by in panel["options"].get("sortBy", [])} <= shown


@queries
def test_a_query_names_families_and_labels_that_are_published(query: Query) -> None:
    labels = labels_of(query.filled(**EVERYWHERE))
    assert set(re.findall(r"\{\{(\w+)\}\}", query.legend)) <= labels


@queries
def test_a_query_keeps_to_its_cluster_and_leaves_the_scrapes_labels_out(query: Query) -> None:
    found = selectors_of(query.filled(**EVERYWHERE))
    assert found
    for selector in found:
        assert "cluster" in {matcher.name for matcher in selector.matchers.matchers}
    assert not labels_of(query.filled(**EVERYWHERE)) & (TARGET - {"cluster"})


@queries
def test_a_rate_takes_the_interval_that_grafana_reckons(query: Query) -> None:
    counters = [selector for selector in selectors_of(query.filled(**EVERYWHERE)) if selector.name.endswith("_total")]
    assert len(counters) == query.text.count("rate(")
    windows = re.findall(r"(?:rate|increase|irate)\([^\[]*\[([^\]]+)\]", query.text)
    assert set(windows) <= {"$__rate_interval"}


def test_the_checks_see_what_is_wrong() -> None:
    for wrong in (
        'sum(volsync_no_such_family{cluster=~"x"})',
        'volsync_backup_state{stat="protected"}',
        "max by (node) (volsync_backup_state)",
        "max by (pvc) (volsync_backup_state) / max by (namespace) (volsync_backup_state)",
        "volsync_policy_ready * on (pvc) volsync_backup_state",
        'label_join(volsync_policy_ready, "x", "/", "namespace")',
    ):
        with pytest.raises(UnknownNameError):
            labels_of(wrong)


def _query(target: Json) -> Query:
    return Query("", "", target["refId"], target["expr"], target.get("instant", False), target.get("legendFormat", ""))
