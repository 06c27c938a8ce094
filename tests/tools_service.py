"""`python -m tests.tools_service --port N`: the HTTP edge over doubles, with a generator that asks
the scripted server `calls`. For clients that offer functions: the extractive generator has none.
"""

import argparse
import asyncio

import uvicorn

from app.api.application import create_app
from app.gateway import make_gateway
from app.releases.releases import Releases
from app.settings.cold.gateway import GatewayArgs
from app.settings.live.gateway import GatewayLive
from app.settings.live.release import Release
from app.telemetry.access_log import AccessLog
from app.telemetry.requests import Telemetry
from deployments.contracts.calls import CallContext
from deployments.contracts.documents import Document, Part
from deployments.generator.config import GeneratorArgs
from deployments.generator.engines import make_engine
from deployments.generator.writing import Writer
from tests.doubles import DoubleDirectory
from tests.generator_doubles import EchoGenerator
from tests.openai_peer import OpenAIPeer


async def serve(port: int) -> None:
    """Serves until it is interrupted."""
    with OpenAIPeer() as peer:
        server = {"model": "calls", "base_url": peer.base_url}
        settings = GeneratorArgs.model_validate({"engine": "openai", "openai": server})
        engine = make_engine(settings)
        await engine.start()
        stages = DoubleDirectory()
        generator = stages.echo = EchoGenerator()
        generator._writer = Writer(
            engine,
            model="calls",
            defaults=settings.sampling,
            window_s=settings.delta_window_ms / 1e3,
        )
        text = Part("Berth 7 of Ullapool takes boats of up to 40 feet.")
        harbour = Document("harbour", "harbour.md", "Harbour", (text,))
        await stages.indexer.ingest([harbour], (), call=CallContext("start", 5.0))
        release = Release(retrieval="double", generator=("echo",), min_relevance_score=0.0)
        live = GatewayLive(releases={"tools": release}, traffic={"tools": 1.0})
        args = GatewayArgs()
        telemetry = Telemetry([AccessLog()])
        gateway = make_gateway(Releases(stages, lambda: live), args, telemetry=telemetry)
        config = uvicorn.Config(create_app(gateway, args), port=port, log_level="warning")
        await uvicorn.Server(config).serve()
        await engine.close()


def main() -> None:
    """Serves on 127.0.0.1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    asyncio.run(serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
