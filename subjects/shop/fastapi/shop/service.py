"""What all routes share: the application, its connections, its counters, and the ids in its paths."""

import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import asyncpg
import httpx
from fastapi import Depends, FastAPI, Request
from prometheus_client import Counter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .errors import ApiError, add_errors

CONNECTIONS = 10
DATABASE_TIMEOUT_S = 2
MAX_BODY_BYTES = 64 * 1024
THIRD_PARTY_TIMEOUT_S = 2
THIRD_PARTY_URL = os.environ["THIRD_PARTY_URL"]

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
    from .routes import router

    app = FastAPI(title="Shop", lifespan=connections, openapi_url=None, redirect_slashes=False)
    app.add_middleware(CountRequests)
    add_errors(app)
    app.include_router(router)
    return app


async def database_pool(request: Request) -> asyncpg.Pool:
    return request.app.state.pool


async def third_party_client(request: Request) -> httpx.AsyncClient:
    return request.app.state.third_party


async def item_id(id: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", id) or int(id) == 0:
        raise ApiError(400, "invalid_id")
    return int(id)


async def small_body(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY_BYTES:
            raise ApiError(413, "too_large")
    return bytes(body)


ItemId = Annotated[int, Depends(item_id)]
Body = Annotated[bytes, Depends(small_body)]
Pool = Annotated[asyncpg.Pool, Depends(database_pool)]
ThirdParty = Annotated[httpx.AsyncClient, Depends(third_party_client)]
