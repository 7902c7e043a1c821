"""The routes that need no third party."""

import asyncio
import hashlib
import os
import re
from pathlib import Path
from typing import Annotated

import asyncpg
from fastapi import APIRouter, Header, Response
from fastapi.responses import FileResponse, JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

from . import orders
from .errors import ApiError
from .service import DATABASE_TIMEOUT_S, Body, ItemId, Pool

MAX_PAGE = 10_000
PAGE_SIZE = 20
ITEMS = 1000
IMAGES = 8
IMAGE_DIR = Path(os.environ.get("IMAGE_DIR", Path(__file__).parents[2] / "images"))
CHECKSUM_ROUNDS = 200
READY_TIMEOUT_S = 1

router = APIRouter()


class Item(BaseModel):
    id: int
    name: str
    category: str
    description: str
    price_cents: int
    stock: int


class ItemSummary(BaseModel):
    id: int
    name: str
    price_cents: int


class ItemPage(BaseModel):
    items: list[ItemSummary]
    page: int
    total: int


class Checksum(BaseModel):
    sha256: str
    bytes: int


class Health(BaseModel):
    status: str


@router.get("/items")
async def items(pool: Pool, category: str | None = None, page: str = "1") -> ItemPage:
    if not re.fullmatch(r"[0-9]{1,9}", page) or not 1 <= int(page) <= MAX_PAGE:
        raise ApiError(400, "invalid_page")
    where, values = ("", []) if category is None else ("where category = $1", [category])
    select = f"select id, name, price_cents from items {where} order by id"
    limit = f"limit {PAGE_SIZE} offset ${len(values) + 1}"
    async with pool.acquire(timeout=DATABASE_TIMEOUT_S) as connection:
        total = await connection.fetchval(f"select count(*) from items {where}", *values)
        rows = await connection.fetch(f"{select} {limit}", *values, (int(page) - 1) * PAGE_SIZE)
    return ItemPage(items=[ItemSummary(**row) for row in rows], page=int(page), total=total)


@router.get("/items/{id}")
async def item(number: ItemId, pool: Pool) -> Item:
    async with pool.acquire(timeout=DATABASE_TIMEOUT_S) as connection:
        row = await connection.fetchrow(
            "select id, name, category, description, price_cents, stock from items where id = $1", number
        )
    if row is None:
        raise ApiError(404, "not_found")
    return Item(**row)


@router.get("/items/{id}/image")
async def image(number: ItemId) -> FileResponse:
    if number > ITEMS:
        raise ApiError(404, "not_found")
    return FileResponse(IMAGE_DIR / f"{(number - 1) % IMAGES}.png", media_type="image/png")


@router.post("/orders", status_code=201)
async def order(
    body: Body, pool: Pool, response: Response, idempotency_key: Annotated[str, Header()] = ""
) -> orders.Placed:
    key = orders.parse_key(idempotency_key)
    wanted = orders.parse(body)
    async with pool.acquire(timeout=DATABASE_TIMEOUT_S) as connection:
        placed, replayed = await orders.place(connection, key, hashlib.sha256(body).hexdigest(), wanted)
    if replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return placed


@router.post("/checksum")
async def checksum(body: Body) -> Checksum:
    if not body:
        raise ApiError(400, "empty")
    # Milliseconds of work: on a thread, so that the loop goes on meanwhile.
    return Checksum(sha256=await asyncio.to_thread(chained_sha256, body), bytes=len(body))


def chained_sha256(body: bytes) -> str:
    digest = hashlib.sha256(body).digest()
    for _ in range(CHECKSUM_ROUNDS):
        digest = hashlib.sha256(digest + body).digest()
    return digest.hex()


@router.get("/health/live")
async def live() -> Health:
    return Health(status="ok")


@router.get("/health/ready", response_model=Health)
async def ready(pool: Pool) -> Health | JSONResponse:
    try:
        async with asyncio.timeout(READY_TIMEOUT_S), pool.acquire() as connection:
            await connection.execute("select 1")
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
        return JSONResponse({"status": "unavailable"}, 503)
    return Health(status="ok")


@router.get("/metrics")
async def metrics() -> Response:
    return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
