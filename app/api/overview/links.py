"""`/admin/links`: where other programs show more of this service; for operators."""

import asyncio
from urllib.parse import urlsplit

import httpx
from fastapi import APIRouter

from app.access.route_scopes import needs
from app.api.requests.dependencies import ArgsIn
from app.schemas.overview import Links
from app.schemas.wire import problem_responses
from app.settings.cold.gateway import GatewayArgs
from deployments.tracing.experiments import resolve_experiment

router = APIRouter(
    prefix="/admin",
    tags=["admin"],
    dependencies=[needs("operator")],
    responses=problem_responses(401, 403),
)
_TIMEOUT_S = 2.0
_MLFLOW_TRACES = "/v1/traces"


@router.get("/links")
async def get_links(args: ArgsIn) -> Links:
    """Returns the addresses of MLflow, of one trace in it, of Ray's dashboard and of Grafana, as
    far as the settings name them."""
    links, server = args.links, mlflow_server(args)
    shown = links.mlflow or server
    experiment = None if server is None else await asyncio.to_thread(_experiment, server, args)
    trace = None
    if shown is not None and experiment is not None:
        asked = "selectedEvaluationId=tr-{trace_id}&traceId=tr-{trace_id}"
        trace = f"{shown.rstrip('/')}/#/experiments/{experiment}/traces?{asked}"
    return Links(
        mlflow=shown, trace=trace, ray_dashboard=links.ray_dashboard, grafana=links.grafana
    )


def mlflow_server(args: GatewayArgs) -> str | None:
    """Returns the MLflow server that traces go to, without user and password; None where they go to
    none, or to something else."""
    url, experiment = args.tracing.otlp_url, args.tracing.experiment
    if url is None or experiment is None or not url.endswith(_MLFLOW_TRACES):
        return None
    place = urlsplit(url.removesuffix(_MLFLOW_TRACES))
    return f"{place.scheme}://{place.netloc.rpartition('@')[2]}{place.path}"


def _experiment(server: str, args: GatewayArgs) -> str | None:
    """Returns the id of the experiment with the traces; None where nobody says it."""
    try:
        with httpx.Client(timeout=_TIMEOUT_S) as client:
            return resolve_experiment(client, server, args.tracing.experiment or "")
    except (httpx.HTTPError, ValueError):
        return None
