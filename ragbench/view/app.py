"""The routes of the pages and of the requests of their scripts."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from importlib.resources import files
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.exceptions import HTTPException

from ragbench.core.errors import RagbenchError
from ragbench.core.options import named
from ragbench.view.guard import SESSION
from ragbench.view.pages import Pages
from ragbench.view.playground import Playground
from ragbench.view.reports import Reports, check
from ragbench.view.requests import (
    BODY,
    NOT_FOUND,
    PAGE_OR_FAULT,
    REFUSALS,
    STREAM,
    Asked,
    Decided,
    Kept,
    Uploads,
    media,
)
from ragbench.view.reviews import Reviews
from ragbench.view.runs import FoundRun, Runs, summary
from ragbench.view.sessions import Session
from ragbench.view.settings import Settings
from ragbench.view.threads import in_thread
from ragbench.view.uploads import receive_upload, shown_uploads

REPORT_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)
"""Headers of a report. Its own policy also applies; it names its two scripts by their hashes."""
SHOWN = {
    "view.css": ("text/css", (("render/html/assets", "report.css"), ("view/assets", "view.css"))),
    **{
        f"{name}.js": ("text/javascript", (("render/html/assets", "elements.js"), ("render/html/assets", "theme.js"),
                       ("view/assets", "asking.js"), ("view/assets", "review.js"), ("view/assets", f"{name}.js")))
        for name in ("runs", "report", "queries", "playground")
    },
}  # fmt: skip
"""Assets of the pages by name, with their source files; style and parts of the scripts are those of the report."""

Keys = Annotated[list[str] | None, Query(max_length=100)]


def make_app(settings: Settings, reports: Reports, reviews: Reviews, playground: Playground) -> FastAPI:
    """Make the application. Every request has passed the `ragbench.view.guard.Guard`.

    Args:
        settings: settings of the viewer.
        reports: makes report pages.
        reviews: keeps decisions.
        playground: answers questions.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        if playground.models is not None:
            await playground.models.aclose()

    # OpenTelemetry settings of the environment are meant for other programs: the viewer reports nothing to anyone.
    silent: Any = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
    # The schema is not served: the pages need none, and it would be one more thing to guard.
    app = FastAPI(
        title="ragbench view", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan, telemetry=silent,
        responses=REFUSALS,
    )  # fmt: skip
    _add_faults(app)
    pages = Pages()
    runs = Runs(settings.folder)
    _add_runs(app, settings, runs, reports, pages)
    _add_reviews(app, runs, reviews, pages)
    _add_playground(app, settings, playground, pages)

    @app.get(
        "/assets/{name}", response_class=Response,
        responses={200: media("text/css", "text/javascript"), **NOT_FOUND},
    )  # fmt: skip
    async def asset(name: str) -> Response:
        if name not in SHOWN:
            raise HTTPException(404, "no such file")
        kind, parts = SHOWN[name]
        texts = [(files("ragbench") / folder / file).read_text(encoding="utf-8") for folder, file in parts]
        text = "\n".join(texts)
        if kind == "text/javascript":
            text = '(() => {\n"use strict";\n' + text + "\n})();\n"
        return Response(text, media_type=f"{kind}; charset=utf-8")

    return app


def _add_faults(app: FastAPI) -> None:
    """Report errors in one line that never repeats the request."""

    @app.exception_handler(RagbenchError)
    async def refused(_: Request, error: RagbenchError) -> Response:
        return JSONResponse({"fault": _sound(str(error))}, 422)

    @app.exception_handler(OSError)
    async def failed(_: Request, error: OSError) -> Response:
        return JSONResponse({"fault": f"{error.strerror or type(error).__name__}; nothing was written"}, 409)

    @app.exception_handler(RequestValidationError)
    async def unreadable(_: Request, error: RequestValidationError) -> Response:
        faults = [f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in error.errors()[:3]]
        return JSONResponse({"fault": _sound("; ".join(faults))}, 422)

    @app.exception_handler(HTTPException)
    async def missing(_: Request, error: HTTPException) -> Response:
        return JSONResponse({"fault": str(error.detail)}, error.status_code)


def _add_runs(app: FastAPI, settings: Settings, every: Runs, reports: Reports, pages: Pages) -> None:
    @app.get("/", response_class=HTMLResponse)
    async def listed() -> Response:
        return HTMLResponse(pages.runs(settings, await in_thread(every.find)))

    @app.get("/compare", status_code=303, response_class=RedirectResponse)
    async def compared(runs: Keys = None) -> Response:
        """Return the report with the oldest evaluation as the baseline."""
        chosen, missing = await in_thread(lambda: _chosen(every, runs))
        ordered = [run.key for run in sorted(chosen, key=lambda run: (run.changed, run.name))]
        return RedirectResponse(f"/report?{urlencode({'runs': [*ordered, *missing]}, doseq=True)}", 303)

    @app.get("/report", response_class=HTMLResponse, responses=PAGE_OR_FAULT)
    async def report(runs: Keys = None, intersect: bool = False) -> Response:
        chosen, missing = await in_thread(lambda: _chosen(every, runs))
        try:
            check(chosen)
            # Made before the page around it, so that this page reports what is wrong.
            await in_thread(lambda: reports.page(chosen, intersect=intersect))
        except RagbenchError as error:
            again = not intersect and named("intersect") in str(error)
            return HTMLResponse(pages.fault("No report", _sound(str(error)), chosen, again=again), 422)
        return HTMLResponse(pages.report(chosen, intersect, missing=len(missing)))

    @app.get("/summary", response_class=HTMLResponse, responses=PAGE_OR_FAULT)
    async def told(run: str = "") -> Response:
        chosen, _ = await in_thread(lambda: _chosen(every, [run]))
        if not chosen:
            return HTMLResponse(pages.fault("No summary", "The evaluation is not in the folder (any more).", []), 422)
        return HTMLResponse(pages.summary(chosen[0], await in_thread(lambda: summary(chosen[0]))))

    @app.get("/report/page", response_class=HTMLResponse)
    async def report_page(runs: Keys = None, intersect: bool = False) -> Response:
        chosen, _ = await in_thread(lambda: _chosen(every, runs))
        content = await in_thread(lambda: reports.page(chosen, intersect=intersect))
        return HTMLResponse(content, headers={"Content-Security-Policy": REPORT_POLICY})


def _add_reviews(app: FastAPI, every: Runs, reviews: Reviews, pages: Pages) -> None:
    @app.get("/queries", response_class=HTMLResponse, responses=PAGE_OR_FAULT)
    async def queries(run: str = "") -> Response:
        chosen, _ = await in_thread(lambda: _chosen(every, [run]))
        try:
            check(chosen)
        except RagbenchError as error:
            return HTMLResponse(pages.fault("No queries", _sound(str(error)), chosen), 422)
        return HTMLResponse(pages.queries(chosen[0]))

    @app.get("/data/queries", responses={200: {"model": dict[str, Any]}})
    async def data(run: str = "") -> Response:
        chosen, _ = await in_thread(lambda: _chosen(every, [run]))
        check(chosen)
        return JSONResponse(await in_thread(lambda: reviews.queries(chosen[0])))

    @app.get("/data/query", responses={200: {"model": dict[str, Any]}})
    async def rests_on(run: str = "", query: Annotated[str, Query(max_length=4000)] = "") -> Response:
        chosen, _ = await in_thread(lambda: _chosen(every, [run]))
        check(chosen)
        return JSONResponse(await in_thread(lambda: reviews.query(chosen[0], query)))

    @app.post("/decisions", responses={200: {"model": Kept}, **BODY})
    async def decide(decided: Decided) -> Response:
        chosen, _ = await in_thread(lambda: _chosen(every, [decided.run]))
        check(chosen)
        row = await in_thread(lambda: reviews.decide(chosen[0], decided))
        return JSONResponse({"row": row, "file": str(reviews.file(chosen[0]))})


def _add_playground(app: FastAPI, settings: Settings, playground: Playground, pages: Pages) -> None:
    @app.get("/playground", response_class=HTMLResponse)
    async def play() -> Response:
        return HTMLResponse(pages.playground(settings, playground.llm))

    @app.get("/data/uploads", responses={200: {"model": Uploads}})
    async def uploads(request: Request) -> Response:
        return JSONResponse(shown_uploads(_session(request), settings.limits))

    @app.post("/upload", responses={200: {"model": Uploads}, **BODY})
    async def upload(request: Request, name: Annotated[str, Query(max_length=1000)]) -> Response:
        session = _session(request)
        size = int(request.headers["content-length"])
        await receive_upload(session, name, size, request.stream(), settings.limits, lambda: _left(request))
        # Indexes without the file can be asked no more, and would take the place of those that can.
        await in_thread(lambda: playground.forget(session))
        return JSONResponse(shown_uploads(session, settings.limits))

    @app.post("/uploads/clear", responses={200: {"model": Uploads}, **BODY})
    async def clear(request: Request) -> Response:
        session = _session(request)
        session.clear()
        await in_thread(lambda: playground.forget(session))
        return JSONResponse(shown_uploads(session, settings.limits))

    @app.post("/ask", response_class=StreamingResponse, responses={**STREAM, **BODY})
    async def ask(asked: Asked, request: Request) -> Response:
        session = _session(request)

        async def events() -> AsyncIterator[str]:
            async with aclosing(playground.ask(asked, session)) as coming:
                async for name, content in coming:
                    # Escaped to ASCII, so that no text can end a line of the stream or break its encoding.
                    yield f"event: {name}\ndata: {json.dumps(content)}\n\n"

        return StreamingResponse(events(), media_type="text/event-stream")


async def _left(request: Request) -> None:
    """Wait until the browser has left. Only after the body was received."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _session(request: Request) -> Session:
    session: Session = request.scope[SESSION]
    return session


def _chosen(every: Runs, keys: Sequence[str] | None) -> tuple[list[FoundRun], list[str]]:
    """Return the evaluations with these keys, in order, and the unknown keys."""
    by_key = {run.key: run for run in every.find()}
    wanted = list(dict.fromkeys(keys or ()))
    return [by_key[key] for key in wanted if key in by_key], [key for key in wanted if key not in by_key]


def _sound(text: str) -> str:
    """Remove what no encoding holds (names of files may be any bytes)."""
    return text.encode("utf-8", "replace").decode("utf-8")
