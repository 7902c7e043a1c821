"""The shop on FastAPI, but for the route that asks the third party: app.py has that."""
