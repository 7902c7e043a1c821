"""An order: what a request for one must look like, and the transaction that places it."""

import json
import re
from dataclasses import dataclass
from typing import Any

import psycopg

from errors import ApiError

MAX_LINES = 5
MAX_QUANTITY = 10
MAX_CUSTOMER = 64  # characters
MAX_ITEM_ID = 2**31 - 1
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True)
class Line:
    item_id: int
    quantity: int


@dataclass(frozen=True)
class Order:
    customer: str
    lines: list[Line]  # by item_id, so that two orders lock the same items in the same order


def parse_key(text: str) -> str:
    if not UUID.fullmatch(text):
        raise ApiError(400, "invalid_key")
    return text


def parse(body: bytes) -> Order:
    try:
        return checked(json.loads(body.decode()))
    except (KeyError, TypeError, ValueError, RecursionError) as wrong:
        raise ApiError(400, "invalid_body") from wrong


def checked(value: Any) -> Order:
    customer = value["customer"]
    if not isinstance(customer, str) or not 1 <= len(customer) <= MAX_CUSTOMER or "\0" in customer:
        raise ValueError("customer")
    customer.encode()  # raises for half a surrogate pair, which JSON can spell and UTF-8 cannot
    if not isinstance(value["lines"], list) or not 1 <= len(value["lines"]) <= MAX_LINES:
        raise ValueError("lines")
    lines = [
        Line(whole(line["item_id"], 1, MAX_ITEM_ID), whole(line["quantity"], 1, MAX_QUANTITY))
        for line in value["lines"]
    ]
    if len({line.item_id for line in lines}) < len(lines):
        raise ValueError("an item twice")
    return Order(customer, sorted(lines, key=lambda line: line.item_id))


def whole(value: Any, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise ValueError("not a number in its bounds")
    return value


def place(
    connection: psycopg.Connection[dict[str, Any]], key: str, fingerprint: str, order: Order
) -> tuple[dict[str, Any], bool]:
    """The order as stored, and whether it was there before."""
    with connection.transaction():
        # Waits for a transaction with the same key; no row when that one has placed its order.
        row = connection.execute(
            "insert into orders (idempotency_key, fingerprint, customer, total_cents) values (%s, %s, %s, 0)"
            " on conflict (idempotency_key) do nothing returning id",
            (key, fingerprint, order.customer),
        ).fetchone()
        if row is None:
            return earlier(connection, key, fingerprint), True
        total = sum(take(connection, row["id"], line) for line in order.lines)
        connection.execute("update orders set total_cents = %s where id = %s", (total, row["id"]))
    return {"id": row["id"], "total_cents": total}, False


def earlier(connection: psycopg.Connection[dict[str, Any]], key: str, fingerprint: str) -> dict[str, Any]:
    row = connection.execute(
        "select id, total_cents, fingerprint from orders where idempotency_key = %s", (key,)
    ).fetchone()
    if row["fingerprint"] != fingerprint:
        raise ApiError(422, "key_reused")
    return {"id": row["id"], "total_cents": row["total_cents"]}


def take(connection: psycopg.Connection[dict[str, Any]], order_id: int, line: Line) -> int:
    """Takes the line's goods from the stock; what they cost, in cents."""
    row = connection.execute(
        "update items set stock = stock - %(quantity)s where id = %(id)s and stock >= %(quantity)s"
        " returning price_cents",
        {"id": line.item_id, "quantity": line.quantity},
    ).fetchone()
    if row is None:
        known = connection.execute("select 1 from items where id = %s", (line.item_id,)).fetchone()
        raise ApiError(409, "out_of_stock") if known else ApiError(404, "unknown_item")
    connection.execute(
        "insert into order_lines (order_id, item_id, quantity, price_cents) values (%s, %s, %s, %s)",
        (order_id, line.item_id, line.quantity, row["price_cents"]),
    )
    return row["price_cents"] * line.quantity
