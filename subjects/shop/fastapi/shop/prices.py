"""A price: the item's own, less what the third party takes off."""

from typing import Any

import asyncpg
from pydantic import BaseModel

from .errors import ApiError
from .service import DATABASE_TIMEOUT_S


class Price(BaseModel):
    id: int
    price_cents: int
    discount_percent: int
    final_cents: int


async def full_price(pool: asyncpg.Pool, number: int) -> int:
    """In cents, before any discount."""
    async with pool.acquire(timeout=DATABASE_TIMEOUT_S) as connection:
        cents = await connection.fetchval("select price_cents from items where id = $1", number)
    if cents is None:
        raise ApiError(404, "not_found")
    return cents


def discounted(number: int, cents: int, quote: dict[str, Any]) -> Price:
    discount = int(quote["discount_percent"])
    return Price(
        id=number, price_cents=cents, discount_percent=discount, final_cents=cents * (100 - discount) // 100
    )
