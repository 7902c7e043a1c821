"""The shop on FastAPI as in ../fastapi, with one fault on purpose: the route that asks the third party does it with a
client that blocks, inside an async handler. While it waits, the event loop serves nobody."""

import sys
from pathlib import Path

import requests

sys.path.append(str(Path(__file__).parent.parent / "fastapi"))

from shop.application import create_app
from shop.errors import ApiError
from shop.prices import Price, discounted, full_price
from shop.service import THIRD_PARTY_TIMEOUT_S, THIRD_PARTY_URL, ItemId, Pool

app = create_app()


@app.get("/items/{id}/price")
async def price(number: ItemId, pool: Pool) -> Price:
    cents = await full_price(pool, number)
    try:
        answer = requests.get(f"{THIRD_PARTY_URL}/quotes/{number}", timeout=THIRD_PARTY_TIMEOUT_S)
        if answer.status_code != 200:
            raise ApiError(502, "third_party")
        return discounted(number, cents, answer.json())
    except requests.Timeout as timeout:
        raise ApiError(504, "third_party_timeout") from timeout
    except (requests.RequestException, KeyError, TypeError, ValueError) as failure:
        raise ApiError(502, "third_party") from failure
