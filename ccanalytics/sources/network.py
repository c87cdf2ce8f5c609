"""The sources on a network, and what asks them."""

from collections.abc import Mapping

from ccanalytics.sources.admin_api import AdminClient
from ccanalytics.sources.enterprise_api import EnterpriseClient

CLIENTS: Mapping[str, type[AdminClient] | type[EnterpriseClient]] = {
    "api": AdminClient,
    "enterprise": EnterpriseClient,
}
