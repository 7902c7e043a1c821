"""The application: its connections, its counters, its routes."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import httpx
from fastapi import FastAPI
from prometheus_client import Counter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .errors import add_errors
from .routes import router
from .service import DATABASE_TIMEOUT_S, THIRD_PARTY_TIMEOUT_S, THIRD_PARTY_URL

CONNECTIONS = 10

REQUESTS = Counter("http_requests", "Requests answered", ["method", "route", "status"])


class CountRequests:
    """Middleware: counts each answer by the template of its route."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def count(message: Message) -> None:
            if message["type"] == "http.response.start":
                status = message["status"]
                route = scope.get("route")
                served = route is not None and status != 405
                REQUESTS.labels(scope["method"], route.path if served else "unmatched", status).inc()
            await send(message)

        await self.app(scope, receive, count if scope["type"] == "http" else send)


@asynccontextmanager
async def connections(app: FastAPI) -> AsyncIterator[None]:
    async with (
        asyncpg.create_pool(
            os.environ["DATABASE_URL"],
            min_size=0,  # a database that is not there yet makes the service not ready, not dead
            max_size=CONNECTIONS,
            timeout=DATABASE_TIMEOUT_S,
            command_timeout=DATABASE_TIMEOUT_S,
            server_settings={"statement_timeout": f"{DATABASE_TIMEOUT_S}s"},
        ) as pool,
        httpx.AsyncClient(base_url=THIRD_PARTY_URL, timeout=THIRD_PARTY_TIMEOUT_S, trust_env=False) as client,
    ):
        app.state.pool = pool
        app.state.third_party = client
        yield


def create_app() -> FastAPI:
    app = FastAPI(title="Shop", lifespan=connections, openapi_url=None, redirect_slashes=False)
    app.add_middleware(CountRequests)
    add_errors(app)
    app.include_router(router)
    return app
