"""Answers other than what was asked for, all of them {"error": code}."""

import logging

import asyncpg
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

CODES = {404: "not_found", 405: "method_not_allowed"}
LOG = logging.getLogger("uvicorn.error")


class ApiError(Exception):
    def __init__(self, status: int, code: str):
        super().__init__(code)
        self.status = status
        self.code = code


def add_errors(app: FastAPI) -> None:
    async def api_error(request: Request, error: ApiError) -> JSONResponse:
        return JSONResponse({"error": error.code}, error.status)

    async def http_error(request: Request, error: HTTPException) -> JSONResponse:
        return JSONResponse({"error": CODES.get(error.status_code, "bad_request")}, error.status_code, error.headers)

    async def database_error(request: Request, error: Exception) -> JSONResponse:
        LOG.warning("database: %r", error)
        return JSONResponse({"error": "database"}, 503)

    app.add_exception_handler(ApiError, api_error)
    app.add_exception_handler(HTTPException, http_error)
    for kind in (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
        app.add_exception_handler(kind, database_error)
