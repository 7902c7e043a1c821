"""The shop on Flask: routes, and what they have in common."""

import hashlib
import os
import re
from pathlib import Path
from typing import Any

import psycopg
import requests
from flask import Flask, Response, request, send_from_directory
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, generate_latest, multiprocess
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool
from requests.adapters import HTTPAdapter
from werkzeug.exceptions import HTTPException, MethodNotAllowed

import orders
from errors import ApiError

MAX_BODY_BYTES = 64 * 1024
MAX_PAGE = 10_000
PAGE_SIZE = 20
ITEMS = 1000
IMAGES = 8
CHECKSUM_ROUNDS = 200
CONNECTIONS_PER_WORKER = 5  # ten in all
THREADS_PER_WORKER = 4
DATABASE_TIMEOUT_S = 2
READY_TIMEOUT_S = 1
THIRD_PARTY_TIMEOUT_S = 2

REQUESTS = Counter("http_requests", "Requests answered", ["method", "route", "status"])


def item_id(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) == 0:
        raise ApiError(400, "invalid_id")
    return int(text)


def open_pool() -> ConnectionPool:
    return ConnectionPool(
        os.environ["DATABASE_URL"],
        min_size=1,
        max_size=CONNECTIONS_PER_WORKER,
        timeout=DATABASE_TIMEOUT_S,
        kwargs={
            "autocommit": True,
            "row_factory": dict_row,
            "connect_timeout": DATABASE_TIMEOUT_S,
            "options": f"-c statement_timeout={DATABASE_TIMEOUT_S}s",
        },
        open=True,
    )


def open_third_party() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", HTTPAdapter(pool_maxsize=THREADS_PER_WORKER))
    return session


def create_app() -> Flask:
    app = Flask(__name__, static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=MAX_BODY_BYTES, PROVIDE_AUTOMATIC_OPTIONS=False)
    app.json.sort_keys = False
    app.url_map.merge_slashes = False
    add_errors(app)
    add_metrics(app)
    pool = open_pool()
    add_items(app, pool)
    add_orders(app, pool)
    add_checksum(app)
    add_health(app, pool)
    return app


def add_errors(app: Flask) -> None:
    @app.errorhandler(ApiError)
    def api_error(error: ApiError):
        return {"error": error.code}, error.status

    @app.errorhandler(psycopg.Error)
    def database_error(error: psycopg.Error):
        app.logger.warning("database: %s", error)
        return {"error": "database"}, 503

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException):
        codes = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 500: "internal"}
        headers = {}
        if isinstance(error, MethodNotAllowed):
            headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
        return {"error": codes.get(error.code, "bad_request")}, error.code, headers


def add_metrics(app: Flask) -> None:
    @app.after_request
    def count(response: Response) -> Response:
        route = re.sub("<(.*?)>", r"{\1}", request.url_rule.rule) if request.url_rule else "unmatched"
        REQUESTS.labels(request.method, route, response.status_code).inc()
        return response

    @app.get("/metrics")
    def metrics() -> Response:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def add_items(app: Flask, pool: ConnectionPool) -> None:
    images = Path(os.environ.get("IMAGE_DIR", Path(__file__).parent.parent / "images")).resolve()
    third_party = open_third_party()
    third_party_url = os.environ["THIRD_PARTY_URL"]

    @app.get("/items")
    def items():
        page = request.args.get("page", "1")
        if not re.fullmatch(r"[0-9]{1,9}", page) or not 1 <= int(page) <= MAX_PAGE:
            raise ApiError(400, "invalid_page")
        page = int(page)
        category = request.args.get("category")
        where = "" if category is None else "where category = %(category)s"
        values = {"category": category, "limit": PAGE_SIZE, "offset": (page - 1) * PAGE_SIZE}
        with pool.connection() as connection:
            total = connection.execute(f"select count(*) as total from items {where}", values).fetchone()["total"]
            rows = connection.execute(
                f"select id, name, price_cents from items {where} order by id limit %(limit)s offset %(offset)s", values
            ).fetchall()
        return {"items": rows, "page": page, "total": total}

    @app.get("/items/<id>")
    def item(id: str):
        return find("id, name, category, description, price_cents, stock", item_id(id))

    @app.get("/items/<id>/price")
    def price(id: str):
        found = find("id, price_cents", item_id(id))
        discount = discount_percent(found["id"])
        final_cents = found["price_cents"] * (100 - discount) // 100
        return {**found, "discount_percent": discount, "final_cents": final_cents}

    @app.get("/items/<id>/image")
    def image(id: str) -> Response:
        number = item_id(id)
        if number > ITEMS:
            raise ApiError(404, "not_found")
        return send_from_directory(images, f"{(number - 1) % IMAGES}.png", mimetype="image/png")

    def find(columns: str, number: int) -> dict[str, Any]:
        with pool.connection() as connection:
            row = connection.execute(f"select {columns} from items where id = %s", (number,)).fetchone()
        if row is None:
            raise ApiError(404, "not_found")
        return row

    def discount_percent(number: int) -> int:
        try:
            answer = third_party.get(f"{third_party_url}/quotes/{number}", timeout=THIRD_PARTY_TIMEOUT_S)
            if answer.status_code != 200:
                raise ApiError(502, "third_party")
            return int(answer.json()["discount_percent"])
        except requests.Timeout as timeout:
            raise ApiError(504, "third_party_timeout") from timeout
        except (requests.RequestException, KeyError, TypeError, ValueError) as failure:
            raise ApiError(502, "third_party") from failure


def add_orders(app: Flask, pool: ConnectionPool) -> None:
    @app.post("/orders")
    def order():
        body = request.get_data(cache=False)
        key = orders.parse_key(request.headers.get("Idempotency-Key", ""))
        wanted = orders.parse(body)
        with pool.connection() as connection:
            placed, replayed = orders.place(connection, key, hashlib.sha256(body).hexdigest(), wanted)
        return placed, 201, {"Idempotent-Replayed": "true"} if replayed else {}


def add_checksum(app: Flask) -> None:
    @app.post("/checksum")
    def checksum():
        body = request.get_data(cache=False)
        if not body:
            raise ApiError(400, "empty")
        digest = hashlib.sha256(body).digest()
        for _ in range(CHECKSUM_ROUNDS):
            digest = hashlib.sha256(digest + body).digest()
        return {"sha256": digest.hex(), "bytes": len(body)}


def add_health(app: Flask, pool: ConnectionPool) -> None:
    @app.get("/health/live")
    def live():
        return {"status": "ok"}

    @app.get("/health/ready")
    def ready():
        try:
            with pool.connection(timeout=READY_TIMEOUT_S) as connection, connection.transaction():
                connection.execute(f"set local statement_timeout = '{READY_TIMEOUT_S}s'")
                connection.execute("select 1")
        except psycopg.Error:
            return {"status": "unavailable"}, 503
        return {"status": "ok"}
