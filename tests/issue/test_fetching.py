"""The days of a report are fetched even when its optional data fails."""

from datetime import UTC, datetime

from builders import record

from ccanalytics.fake_api.fake_service import FakeService, serve
from ccanalytics.issue.fetching import fetch_report_days
from ccanalytics.issue.run_options import RunOptions
from ccanalytics.settings import Settings
from ccanalytics.store.layout import companions

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


class WithoutBill(FakeService):
    """A service that refuses its bill to everybody."""

    def respond(self, request):
        if request.url.path.endswith("/cost"):
            request.headers["x-api-key"] = "sk-ant-api03-of-another-kind"
        return super().respond(request)


def test_a_refused_bill_leaves_the_days_of_a_report_complete(tmp_path, caplog):
    """It was fetched once, then the key lost access to it: the sync says so and continues."""
    key = {"ANTHROPIC_ADMIN_KEY": "sk-ant-admin01-x"}

    def options(url):
        settings = Settings(store=tmp_path / "s", base_url=url)
        return RunOptions(environ=key, settings=settings, now=NOW, source="api", weeks=1)

    def records(day):
        return [record(str(day), organization="5a3c1e00-0000-4000-8000-000000000001")]

    (bill,) = companions("billed")
    with serve(FakeService(records, now=lambda: NOW)) as server:
        report_options = options(server.url)
        with bill.open(report_options.spec, report_options.access) as client:
            bill.sync(
                client, report_options.store, "api", *[datetime(2026, 11, 9).date()] * 2, NOW, False
            )
        assert report_options.store.dates(bill.stored_as("api"))
    with serve(WithoutBill(records, now=lambda: NOW)) as server:
        fetch_report_days(options(server.url))
    assert len(report_options.store.days("api")) == 7
    assert "charges are missing" in caplog.text
