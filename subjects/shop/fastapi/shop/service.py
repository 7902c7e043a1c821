"""What the routes share: limits, connections, and what they take from a request."""

import os
import re
from typing import Annotated

import asyncpg
import httpx
from fastapi import Depends, Request

from .errors import ApiError

DATABASE_TIMEOUT_S = 2
MAX_BODY_BYTES = 64 * 1024
THIRD_PARTY_TIMEOUT_S = 2
THIRD_PARTY_URL = os.environ["THIRD_PARTY_URL"]


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
