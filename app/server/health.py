"""What supervisors, proxies and Prometheus ask: is it alive, does it serve, how is it doing."""

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from app.server.metrics import Metrics
from app.state.library import Library

OPEN = ("/healthz", "/readyz")  # the only addresses that answer without credentials: they name nothing


def health_routes(library: Library, metrics: Metrics) -> APIRouter:
    """GET /healthz, /readyz and /metrics."""
    router = APIRouter()

    @router.get("/healthz")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/readyz")
    def readiness() -> JSONResponse:
        """200 once the encoder of every open collection is there, so that searches are answered at once."""
        states = {library.encoder_state(opened)["state"] for opened in library.collections()}
        status = next((state for state in ("failed", "loading") if state in states), "ready")
        return JSONResponse({"status": status}, 200 if status == "ready" else 503)

    @router.get("/metrics")
    def measure() -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return router
