"""Takes traces out of MLflow: those of a tenant, of a user, or of a conversation."""

import math

from deployments.contracts.erasure import CONVERSATION_TAG, USER_TAG, ErasureScope
from deployments.contracts.errors import Unavailable
from deployments.contracts.tenants import Erased
from deployments.tracking.mlflow.server import open_client, without_password

TENANT_TAG = "ragserve.tenant"
_TRACES_PER_CALL = 200


def of_tenant(tenant: str) -> str:
    """Returns the filter that finds the traces of a tenant, whose id has no quotes."""
    return f"tag.`{TENANT_TAG}` = '{tenant}'"


def of_scope(scope: ErasureScope) -> str:
    """Returns the filter that finds the traces of a conversation, or those of a user that had begun
    when their deletion was asked for. Its values are ids and digests."""
    found = of_tenant(scope.tenant)
    if scope.conversation:
        return f"{found} AND tag.`{CONVERSATION_TAG}` = '{scope.conversation}'"
    found = f"{found} AND tag.`{USER_TAG}` = '{scope.user_mark}'"
    if math.isfinite(scope.before_s):
        found += f" AND timestamp_ms <= {math.ceil(scope.before_s * 1e3)}"
    return found


def erase_traces(tracking_uri: str, experiment: str, which: str) -> Erased:
    """Deletes some traces, and returns how many; repeat it until it is done. What waits
    in a spool comes to MLflow within seconds, and is found by the next call.

    Args:
        tracking_uri: Address of the MLflow server.
        experiment: Name of the experiment that has the traces.
        which: The filter that finds them.

    Raises:
        Unavailable: MLflow does not answer, or refuses.
    """
    try:
        client = open_client(tracking_uri)
        found = client.get_experiment_by_name(experiment)
        if found is None:
            return Erased()
        traces = client.search_traces(
            locations=[found.experiment_id],
            filter_string=which,
            max_results=_TRACES_PER_CALL,
            include_spans=False,
        )
        ids = [trace.info.trace_id for trace in traces]
        if ids:
            client.delete_traces(found.experiment_id, trace_ids=ids)
    except Exception as error:
        says = without_password(f"{type(error).__name__}: {error}", tracking_uri)
        raise Unavailable(f"Traces stay in MLflow for now: {says}", "tracker") from None
    return Erased({"traces": len(ids)}, is_done=len(ids) < _TRACES_PER_CALL)
