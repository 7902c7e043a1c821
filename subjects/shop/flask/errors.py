class ApiError(Exception):
    """An answer that is not what was asked for: its status, and its code in {"error": code}."""

    def __init__(self, status: int, code: str):
        super().__init__(code)
        self.status = status
        self.code = code
