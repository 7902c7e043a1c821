"""The shop on FastAPI: the application, and the one route that asks the third party."""

import asyncio

import httpx

from shop.application import create_app
from shop.errors import ApiError
from shop.prices import Price, discounted, full_price
from shop.service import THIRD_PARTY_TIMEOUT_S, ItemId, Pool, ThirdParty

app = create_app()


@app.get("/items/{id}/price")
async def price(number: ItemId, pool: Pool, third_party: ThirdParty) -> Price:
    cents = await full_price(pool, number)
    try:
        async with asyncio.timeout(THIRD_PARTY_TIMEOUT_S):
            answer = await third_party.get(f"/quotes/{number}")
        if answer.status_code != 200:
            raise ApiError(502, "third_party")
        return discounted(number, cents, answer.json())
    except (httpx.TimeoutException, TimeoutError) as timeout:
        raise ApiError(504, "third_party_timeout") from timeout
    except (httpx.HTTPError, KeyError, TypeError, ValueError) as failure:
        raise ApiError(502, "third_party") from failure
