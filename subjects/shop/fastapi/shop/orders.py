"""An order: what a request for one must look like, and the transaction that places it."""

import re
from typing import Annotated

import asyncpg
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from .errors import ApiError

UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Line(BaseModel):
    model_config = ConfigDict(strict=True)

    item_id: Annotated[int, Field(ge=1, le=2**31 - 1)]
    quantity: Annotated[int, Field(ge=1, le=10)]


class Order(BaseModel):
    model_config = ConfigDict(strict=True)

    customer: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    lines: Annotated[list[Line], Field(min_length=1, max_length=5)]

    @field_validator("customer")
    @classmethod
    def storable(cls, customer: str) -> str:
        if "\0" in customer:
            raise ValueError("PostgreSQL has no NUL in a text")
        return customer

    @field_validator("lines")
    @classmethod
    def by_item(cls, lines: list[Line]) -> list[Line]:
        """In the order of their items, so that two orders lock the same items in the same order."""
        if len({line.item_id for line in lines}) < len(lines):
            raise ValueError("an item twice")
        return sorted(lines, key=lambda line: line.item_id)


class Placed(BaseModel):
    id: int
    total_cents: int


def parse_key(text: str) -> str:
    if not UUID.fullmatch(text):
        raise ApiError(400, "invalid_key")
    return text


def parse(body: bytes) -> Order:
    try:
        return Order.model_validate_json(body)
    except ValidationError as wrong:
        raise ApiError(400, "invalid_body") from wrong


async def place(connection: asyncpg.Connection, key: str, fingerprint: str, order: Order) -> tuple[Placed, bool]:
    """The order as stored, and whether it was there before."""
    async with connection.transaction():
        # Waits for a transaction with the same key; no row when that one has placed its order.
        order_id = await connection.fetchval(
            "insert into orders (idempotency_key, fingerprint, customer, total_cents) values ($1, $2, $3, 0)"
            " on conflict (idempotency_key) do nothing returning id",
            key,
            fingerprint,
            order.customer,
        )
        if order_id is None:
            return await earlier(connection, key, fingerprint), True
        total = 0
        for line in order.lines:
            total += await take(connection, order_id, line)
        await connection.execute("update orders set total_cents = $1 where id = $2", total, order_id)
    return Placed(id=order_id, total_cents=total), False


async def earlier(connection: asyncpg.Connection, key: str, fingerprint: str) -> Placed:
    row = await connection.fetchrow(
        "select id, total_cents, fingerprint from orders where idempotency_key = $1", key
    )
    if row["fingerprint"] != fingerprint:
        raise ApiError(422, "key_reused")
    return Placed(id=row["id"], total_cents=row["total_cents"])


async def take(connection: asyncpg.Connection, order_id: int, line: Line) -> int:
    """Takes the line's goods from the stock; what they cost, in cents."""
    price = await connection.fetchval(
        "update items set stock = stock - $1 where id = $2 and stock >= $1 returning price_cents",
        line.quantity,
        line.item_id,
    )
    if price is None:
        known = await connection.fetchval("select 1 from items where id = $1", line.item_id)
        raise ApiError(409, "out_of_stock") if known else ApiError(404, "unknown_item")
    await connection.execute(
        "insert into order_lines (order_id, item_id, quantity, price_cents) values ($1, $2, $3, $4)",
        order_id,
        line.item_id,
        line.quantity,
        price,
    )
    return price * line.quantity
