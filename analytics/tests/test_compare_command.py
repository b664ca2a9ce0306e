"""`manage.py compare`: from files to a verdict, and published figures through the real path."""

from __future__ import annotations

import json
import math
from html import unescape
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from analytics.comparisons import importing, recording, storing
from analytics.comparisons.telling import effect
from analytics.models import ComparisonResult, ComparisonVote
from conversations import writing

pytestmark = pytest.mark.django_db


def compare(*arguments) -> str:
    out = StringIO()
    call_command("compare", *map(str, arguments), stdout=out, stderr=StringIO())
    return out.getvalue()


def write(path, rows) -> str:
    text = "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)
    path.write_text(text, encoding="utf-8")
    return str(path)


def vote(n: int, winner="b", **more) -> dict:
    return {"prompt_id": f"p{n}", "a": "x", "b": "y", "winner": winner, **more}


def test_a_comparison_goes_from_its_making_to_its_verdict(tmp_path):
    uuid = compare("create", "Tea", "--primary", "votes", "--baseline", "x").strip()
    said = compare("import", uuid[:8], write(tmp_path / "v.jsonl", [vote(n) for n in range(9)]))
    assert "9 new (9 votes, 0 results, 0 sessions), 0 known, 0 wrong" in said
    compare("vote", "Tea", "p9", "x", "y", "y", "--rater", "ada", "--first", "x")
    compare("rate", "Tea", "x", "quality", 4, "--prompt", "p1", "--low", 1, "--high", 5)
    said = compare("show", "Tea")
    assert "y is better. y wins 10 of 10 decided prompts" in said
    assert "decided: y" in compare("list")
    report = json.loads(compare("show", uuid, "--json"))
    assert report["pairs"][0]["verdict"]["short"] == "decided: y"
    file = tmp_path / "report.html"
    compare("export", uuid, "--output", file)
    assert file.read_text().startswith("<!doctype html>")
    assert "https://" not in file.read_text().replace("https://example.org", "")
    with pytest.raises(CommandError, match="--confirm"):
        compare("delete", uuid)
    compare("delete", uuid, "--confirm")
    assert not compare("list")


def test_importing_again_adds_nothing_and_two_raters_stay_two(tmp_path):
    group = recording.create_group("Tea")
    rows = [vote(1, rater="ada"), vote(1, rater="bob"), vote(2, None, judge="j1"), vote(3, "tie")]
    rows += [
        {"variant": "x", "prompt_id": "p1", "metric": "quality", "value": 4, "rater": "ada"},
        {"variant": "x", "prompt_id": "p1", "speed_ms": 12, "cost": 0.25},
        {"variant": "x", "prompt_id": "p2", "ok": False, "error_code": 429},
        {"prompt_id": "p1", "prompt": "What is tea?", "suite": "drinks"},
    ]
    file = write(tmp_path / "rows.jsonl", rows)
    first = importing.import_file(group, tmp_path / "rows.jsonl")
    assert (first.votes, first.results, first.failed) == (4, 4, [])
    hashed = storing.report_of(group).report["method"]["input_hash"]
    again = importing.import_file(group, tmp_path / "rows.jsonl")
    assert (again.new, again.known) == (0, 9)
    write(tmp_path / "rows.jsonl", rows[::-1])
    other = recording.create_group("Tea")
    assert importing.import_file(other, tmp_path / "rows.jsonl").votes == 4
    assert storing.report_of(other).report["method"]["input_hash"] == hashed
    assert file
    assert set(ComparisonVote.objects.values_list("outcome", flat=True)) == {"b", "tie", "failed"}
    assert ComparisonResult.objects.get(comparison_group=group, error="429").metric_value is None


def test_csv_says_the_same_as_json_lines(tmp_path):
    group = recording.create_group("Tea")
    (tmp_path / "v.csv").write_bytes(
        "\ufeffprompt_id,a,b,winner,rater,score_b\r\np1,x,y,y,ada,0.75\r\np2,x,y,tie,ada,\r\n".encode()
    )
    outcome = importing.import_file(group, tmp_path / "v.csv")
    assert (outcome.votes, outcome.failed) == (2, [])
    assert list(group.votes.order_by("prompt__prompt_key").values_list("outcome", "score")) == [
        ("b", 0.75), ("tie", None),
    ]  # fmt: skip


def test_answers_from_a_file_become_sessions_that_can_be_voted_on(tmp_path):
    from analytics.comparisons import balloting

    group = recording.create_group("Tea")
    rows = [
        {"prompt": "What is tea?", "variant": variant, "output": f"A leaf, says {variant}"}
        for variant in ("x", "y")
    ]
    write(tmp_path / "answers.jsonl", rows)
    assert importing.import_file(group, tmp_path / "answers.jsonl").sessions == 2
    assert importing.import_file(group, tmp_path / "answers.jsonl").new == 0
    assert balloting.next_ballot(group, rater="ada").prompt_text == "What is tea?"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("{", "no JSON"),
        ("[1]", "no JSON object"),
        ('{"variant": "x", "value": NaN}', "NaN is no number"),
        ({}, "give a, b and winner"),
        (vote(1, "z"), "winner must be"),
        (vote(1, score_b=2), "score"),
        (vote(1, score_b="1"), "score"),
        (vote(1, b="x"), "the same variant"),
        ({"a": "x", "b": "y", "prompt_id": "p"}, "winner is missing"),
        ({"a": "x", "b": "y", "winner": "a"}, "give prompt_id"),
        ({"a": 1, "b": "y", "winner": "a"}, "a must be the name"),
        ({"variant": "x", "prompt_id": "p"}, "there is no metric"),
        ({"variant": "x", "metric": "m", "value": "4"}, "value must be a number"),
        ({"variant": "x", "metric": "m", "value": 10**400}, "value must be a number"),
        ({"variant": "x", "metric": "errors", "value": 1}, "cannot be called"),
        ({"variant": "x", "metric": 3, "value": 1}, "must be text"),
        ({"variant": "x", "metric": "m", "value": 1, "evaluator": "crowd"}, "evaluator"),
        ({"variant": "x\x00", "metric": "m", "value": 1}, "NUL"),
        ({"variant": "x", "metric": "m", "value": 1, "repetition": -1}, "repetition"),
        ({"variant": "x", "metric": "m", "value": 1, "higher_is_better": 3}, "higher_is_better"),
    ],
)
def test_a_wrong_line_is_named_and_the_others_are_stored(tmp_path, row, reason):
    group = recording.create_group("Tea")
    file = tmp_path / "rows.jsonl"
    write(file, [vote(8), row, vote(9)])
    outcome = importing.import_file(group, file)
    [(line, said)] = outcome.failed
    assert line == 2
    assert reason in said
    assert group.votes.count() == 2
    strict = recording.create_group("Strict")
    with pytest.raises(CommandError, match=r"rows.jsonl, line 2"):
        compare("import", strict.group_uuid, file, "--strict")
    assert not strict.votes.exists()


def test_a_line_without_end_and_a_file_that_is_no_text_are_refused(tmp_path):
    group = recording.create_group("Tea")
    file = tmp_path / "long.jsonl"
    file.write_text('{"prompt_id": "' + "x" * 5_000_001 + '"}\n' + json.dumps(vote(1)))
    outcome = importing.import_file(group, file)
    assert outcome.failed[0][0] == 1
    assert outcome.votes == 1
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CommandError, match="not UTF-8"):
        compare("import", group.group_uuid, file)
    with pytest.raises(CommandError, match="No such file"):
        compare("import", group.group_uuid, tmp_path / "nowhere.jsonl")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["show", "Cocoa"], "no comparison “Cocoa”"),
        (["create", ""], "needs a name"),
        (["create", "x", "--planned", "-1"], "planned_prompts"),
        (["create", "x", "--project", "nowhere"], "no project"),
        (["add", "Tea", "v", "nobody"], "no session"),
        (["add", "Tea", "v", "--filter", "status=gone"], "filter"),
        (["add", "Tea", "v", "--filter", "nothing=1"], "nothing is filtered by"),
        (["vote", "Tea", "p", "a", "b", "c"], "winner must be"),
        (["rate", "Tea", "v", "m"], "or the error"),
    ],
)
def test_what_is_asked_wrongly_ends_in_a_sentence(arguments, reason):
    recording.create_group("Tea")
    with pytest.raises(CommandError, match=reason):
        compare(*arguments)


def test_sessions_are_added_by_id_and_by_filter():
    recording.create_group("Tea")
    uuid = writing.create_session("Green tea")
    writing.create_session("Coffee")
    assert compare("add", "Tea", "x", uuid[:10]).strip() == "1 session added to x."
    assert compare("add", "Tea", "y", "--filter", "title=coffee").strip() == (
        "1 session added to y."
    )


# -- as published -------------------------------------------------------------------------------


@pytest.fixture
def truth(shared):
    folder = shared / "truth"
    if not folder.exists():
        pytest.skip("the published figures are not here")
    return folder


def shown(name: str, path, *options, rows=None, tmp_path=None) -> dict:
    uuid = compare("create", name, *options).strip()
    if rows is not None:
        path = tmp_path / "rows.jsonl"
        write(path, rows)
    compare("import", uuid, path)
    return json.loads(compare("show", uuid, "--json"))


def metric(report: dict, b: str, name: str) -> dict:
    [pair] = [pair for pair in report["pairs"] if pair["b"] == b]
    return next(row for row in pair["metrics"] if row["name"] == name)


def value(row: dict, label: str) -> float:
    return next(one for one in row["details"] if one["label"] == label)["value"]


def test_alpaca_eval_comes_out_as_published(truth, tmp_path):
    folder = truth / "alpaca2_weighted"
    known = json.loads((folder / "truth.json").read_text())
    computed = json.loads((folder / "computed.json").read_text())["vs_baseline"]
    base = known["baseline"]
    rows = [json.loads(line) for line in (folder / "votes.jsonl").read_text().splitlines()]
    for row in rows:
        row["b"] += " again" * (row["b"] == base)  # a variant is not compared with itself
    report = shown(
        "Alpaca", None, "--baseline", base, "--primary", "votes", rows=rows, tmp_path=tmp_path
    )
    for name, figures in known["published"].items():
        row = metric(report, name + " again" * (name == base), "votes")
        said = row["points"]
        assert said["vote_wins"] == figures["n_wins"]
        assert said["vote_losses"] == figures["n_wins_base"]
        assert said["vote_ties"] == figures["n_draws"]
        assert said["votes"] == figures["n_total"]
        for label, key in (
            ("weighted win rate", "win_rate"),
            ("weighted standard error", "standard_error"),
            ("discrete win rate", "discrete_win_rate"),
        ):
            assert value(row, label) * 100 == pytest.approx(figures[key], abs=1e-9), (name, key)
        expected = computed[name]
        assert row["effect"] == pytest.approx(expected["net_win_rate"], abs=1e-9)
        assert (row["low"], row["high"]) == pytest.approx(
            expected["net_win_rate_tango_95"], abs=1e-5
        )
        assert row["p"] == pytest.approx(expected["sign_test_p_mid"], rel=1e-6)
        assert math.log(row["always_valid"]["e"]) == pytest.approx(
            math.log(expected["e_value_uniform"]), abs=1e-6
        )
    [same] = [pair for pair in report["pairs"] if pair["b"].endswith(" again")]
    assert same["verdict"]["short"] == "practically equal"


def test_llmperf_comes_out_as_published(truth):
    folder = truth / "llmperf_latency"
    published = json.loads((folder / "truth.json").read_text())["published"]
    computed = json.loads((folder / "computed.json").read_text())
    options = ("--unpaired", "--primary", "ttft_s", "--baseline", computed["base"])
    report = shown("LLMPerf", folder / "requests.jsonl", *options)
    for name, figures in published.items():
        side, b = ("a", "bedrock_70b") if name == computed["base"] else ("b", name)
        for measured in ("ttft_s", "latency_s", "throughput_tok_s", "output_tokens"):
            found = metric(report, b, measured)["points"][f"describe_{side}"]
            for key, expected in figures[measured].items():
                assert found[key] == pytest.approx(expected, rel=1e-9), (name, measured, key)
        [variant] = [row for row in report["variants"] if row["key"] == name]
        assert variant["failures"] == figures["n_errors"]
        assert (variant["failure_rate"] or 0) == pytest.approx(figures["error_rate"], rel=1e-9)
    for names, metrics in computed["comparisons"].items():
        b = names.split(" / ")[0]
        for measured in ("ttft_s", "latency_s"):
            row, known = metric(report, b, measured), metrics[measured]
            assert row["effect"] == pytest.approx(known["geo_mean_ratio"], rel=1e-9)
            assert (row["low"], row["high"]) == pytest.approx(
                known["geo_mean_ratio_welch_95"], rel=1e-9
            )
            assert row["p"] == pytest.approx(known["p"], rel=1e-6)
            for label, key in (
                ("ratio of medians", "median_ratio"), ("ratio of means", "mean_ratio"),
                ("ratio of p95s", "p95_ratio"), ("Hodges-Lehmann shift", "hodges_lehmann_shift"),
                ("P(B greater)", "prob_slower"),
            ):  # fmt: skip
                assert value(row, label) == pytest.approx(known[key], rel=1e-9), (b, key)


def test_the_tables_of_a_paper_come_out_as_printed(truth, tmp_path):
    folder = truth / "chattogovar_ratings"
    published = json.loads((folder / "truth.json").read_text())["published"]
    rows = [
        json.loads(line) for line in (folder / "ratings_human_mean.jsonl").read_text().splitlines()
    ]
    for row in rows:  # two of the 150 items ask the same of the same subject
        row["prompt_id"] = f"{row['item']}"
        del row["question"]
    reports = {}
    for base in ("ChatTogoVar", "GPT-4o"):
        options = ("--primary", "total", "--baseline", base)
        reports[base] = shown(f"Paper {base}", None, *options, rows=rows, tmp_path=tmp_path)
    first = reports["ChatTogoVar"]
    best = first["overview"]["best_on"]
    printed = {row["Model"]: row["Manual Evaluation"] for row in published["table3_wins"]}
    for name, wins in best["wins"].items():
        assert printed[name].startswith(f"{wins} ({wins / 1.5:.1f}%)")
    assert printed["Tie (no unique winner)"].startswith(f"{best['ties']} (")
    for line in published["table4_means"]:
        if line["Evaluation"] != "Manual (mean)":
            continue
        name = "total" if line["Metric"] == "Total" else line["Metric"]
        for variant in ("ChatTogoVar", "GPT-4o", "VarChat"):
            side, b = ("a", "GPT-4o") if variant == "ChatTogoVar" else ("b", variant)
            points = metric(first, b, name)["points"]
            mean, low, high = (
                line[variant].replace("[", "").replace("]", "").replace(",", "").split()
            )
            assert f"{points[f'mean_{side}']:.2f}" == mean
            assert points[f"interval_{side}"] == pytest.approx((float(low), float(high)), abs=0.05)
    total = next(row for row in published["table4_means"] if row["Metric"] == "Total")
    assert f"{first['overview']['friedman']['kendall_w']:.3f}" == total["Kendall's W"]
    for line in published["s2_pairwise"]:
        if line["Evaluation"] != "Manual (mean)":
            continue
        one, other = line["Comparison"].split(" vs ")
        name = "total" if line["Metric"] == "Total" else line["Metric"]
        row = metric(reports[one], other, name)
        assert -row["effect"] == pytest.approx(float(line["Mean diff"]), abs=0.00501)
        assert -value(row, "median difference") == pytest.approx(float(line["Median diff"]))
        assert value(row, "Wilcoxon W") == float(line["Wilcoxon W"])


def test_the_page_says_what_the_report_does(truth, client, django_user_model):
    client.force_login(django_user_model.objects.create_user("ada", password="x"))
    folder = truth / "llmperf_latency"
    uuid = compare("create", "L", "--unpaired", "--primary", "ttft_s").strip()
    compare("import", uuid, folder / "requests.jsonl")
    html = unescape(client.get(f"/comparisons/{uuid}/").content.decode())
    computed = json.loads((folder / "computed.json").read_text())["comparisons"]
    for names, metrics in computed.items():
        for measured in ("ttft_s", "latency_s"):
            known = metrics[measured]
            low, high = known["geo_mean_ratio_welch_95"]
            said = (
                f"{known['geo_mean_ratio']:.3g} times (95 %: {low:.3g} to {high:.3g}, p < 0.0001)"
            )
            assert said in html, (names, measured)
    report = json.loads(compare("show", uuid, "--json"))
    for pair in report["pairs"]:
        assert pair["verdict"]["text"] in html
        for row in pair["metrics"]:
            assert effect(row) in html


def test_votes_on_food_rank_as_in_the_golden_file(truth):
    folder = truth / "bradley_terry_classics"
    golden = json.loads((folder / "truth.json").read_text())["published"]["food_golden"]
    report = shown("Food", folder / "food_votes.jsonl")
    found = {row["key"]: row["strength"] for row in report["ranking"]["rows"]}
    assert found == pytest.approx(golden["bradley_terry"], abs=1e-9)
