"""Takes the traces of one tenant out of MLflow."""

from deployments.contracts.errors import Unavailable
from deployments.contracts.tenants import Erased
from deployments.tracking.mlflow.server import open_client, without_password

TENANT_TAG = "ragserve.tenant"
_TRACES_PER_CALL = 200


def erase_traces(tracking_uri: str, experiment: str, tenant: str) -> Erased:
    """Deletes some traces of a tenant, and returns how many; repeat it until it is done. What waits
    in a spool comes to MLflow within seconds, and is found by the next call.

    Args:
        tracking_uri: Address of the MLflow server.
        experiment: Name of the experiment that has the traces.
        tenant: Whose; a plain id, without quotes.

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
            filter_string=f"tag.`{TENANT_TAG}` = '{tenant}'",
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
