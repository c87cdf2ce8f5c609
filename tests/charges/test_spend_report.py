"""The spend report of claude.ai: people, models and cost of a range, and nothing else."""

import pytest
from click.testing import CliRunner

import ccanalytics as cca
from ccanalytics.cli import main
from ccanalytics.errors import StoreError

HEADER = (
    "user_email,account_uuid,product,model,model_family,total_requests,total_prompt_tokens,"
    "total_completion_tokens,total_net_spend_usd,total_gross_spend_usd\n"
)


def line(who, model="claude-opus-5", product="Claude Code", net="4.50", gross="5.00"):
    return f"{who}@x.example,{who}-id,{product},{model},Opus,10,1000,200,{net},{gross}\n"


def sync(tmp_path, text, since="2026-10-01", until="2026-10-31"):
    file = tmp_path / "spend.csv"
    file.write_text(text, encoding="utf-8")
    asked = ["sync", "--spend-report", str(file), "--since", since, "--until", until]
    return CliRunner().invoke(main, [*asked, "--store", str(tmp_path / "store")])


def test_an_export_is_stored_with_its_range_and_the_sum_of_its_lines(tmp_path):
    """Six people at five dollars each: thirty gross, 27 net, no days."""
    result = sync(tmp_path, HEADER + "".join(line(f"p{n}") for n in range(6)))
    assert result.exit_code == 0, result.output
    assert "6 people, 1 model, $30.00 gross, $27.00 net" in result.output
    (row,) = cca.spend_report(tmp_path / "store").to_dict("records")
    assert (row["people"], row["requests"]) == (6, 60)
    assert (row["net_usd"], row["gross_usd"]) == (27.0, 30.0)
    assert (f"{row['since']:%Y-%m-%d}", f"{row['date']:%Y-%m-%d}") == ("2026-10-01", "2026-10-31")


def test_columns_may_be_spelled_with_spaces_and_capitals(tmp_path):
    """As in a spreadsheet edited by a person."""
    header = HEADER.replace("user_email", "Email").replace("_", " ").title()
    result = sync(tmp_path, header + "".join(line(f"p{n}") for n in range(6)))
    assert "$30.00 gross" in result.output


def test_a_newer_export_with_the_same_end_replaces_the_older(tmp_path):
    """It was corrected: one amount, not two."""
    sync(tmp_path, HEADER + "".join(line(f"p{n}") for n in range(6)))
    sync(tmp_path, HEADER + "".join(line(f"p{n}", gross="6") for n in range(6)))
    assert cca.spend_report(tmp_path / "store")["gross_usd"].tolist() == [36.0]


def test_models_of_too_few_people_are_one_row(tmp_path):
    """Three people of one model and three of another are six together."""
    models = ["claude-opus-5"] * 3 + ["claude-sonnet-5"] * 3
    sync(tmp_path, HEADER + "".join(line(f"p{n}", m) for n, m in enumerate(models)))
    (row,) = cca.spend_report(tmp_path / "store").to_dict("records")
    assert (row["use"], row["people"], row["gross_usd"]) == ("withheld together", 6, 30.0)


def test_an_export_of_too_few_people_has_no_numbers(tmp_path):
    """The cost of three people is not shown."""
    sync(tmp_path, HEADER + "".join(line(f"p{n}") for n in range(3)))
    assert cca.spend_report(tmp_path / "store")["gross_usd"].isna().all()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEADER + line("p1", net="four"), "line 2: total_net_spend_usd is 'four'"),
        (HEADER + line("p1", gross="1e30"), "total_gross_spend_usd is '1e30'"),
        (HEADER + line("p1").replace("@", " at "), "not an address"),
        ("user_email,model\np1@x.example,m\n", "there is no column 'total_requests'"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_stored(text, words, tmp_path):
    """Not a number, too large a number, not an address, another file."""
    result = sync(tmp_path, text)
    assert result.exit_code == 1
    assert words in result.stderr
    with pytest.raises(StoreError, match="--spend-report"):
        cca.spend_report(tmp_path / "store")


def test_a_report_needs_a_date_range(tmp_path):
    """The file does not contain its dates."""
    (tmp_path / "spend.csv").write_text(HEADER)
    asked = ["sync", "--spend-report", str(tmp_path / "spend.csv"), "--since", "2026-10-01"]
    result = CliRunner().invoke(main, asked)
    assert result.exit_code == 2
    assert "--until" in result.stderr
