"""``fiftytwo serve``: the dashboard on this machine, until Ctrl-C."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from pathlib import Path

import click
import uvicorn

from fiftytwo import upkeep
from fiftytwo.console import fail
from fiftytwo.home import Home
from fiftytwo.web.app import Dashboard

PORT = 5252
_ADDRESS = "127.0.0.1"
_GRACE_SECONDS = 3


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="0: any free one.")
@click.option("--open", "open_it", is_flag=True, help="Open the first page in the browser.")
@click.option("--home", "folder", type=click.Path(path_type=Path), metavar="FOLDER",
              help="Whose year; by default your own home.")  # fmt: skip
def serve(port: int, open_it: bool, folder: Path | None) -> None:
    """The dashboard: the year as a map, checks as you save.

    Study notes, quiz and review, evidence, benchmarks and portfolio are there too. It answers to this machine
    alone, sends nothing anywhere and ends with Ctrl-C.

    \b
    Examples:
      fiftytwo serve --open
      fiftytwo serve --port 0 --home ~/my52
    """
    home = Home.find() if folder is None else Home(folder.expanduser().absolute())
    if folder is not None and not home.root.is_dir():
        fail(f"there is no folder {folder}; name a home that is there, or leave --home out to begin one")
    if home.root.exists() and not home.root.is_dir():
        fail(f"{home.root} is a file, and a home is a folder; name another with --home")
    warning = upkeep.prepare(home)
    if warning:
        click.echo(f"warning: {warning}", err=True)
    listener = _listen(port)
    port = listener.getsockname()[1]
    address = f"http://{_ADDRESS}:{port}/"
    app = Dashboard(home, port)
    app.prepare()
    click.echo(f"dashboard: {address}")
    click.echo(f"home: {home.root}{'' if home.root.is_dir() else ' (made when you start a week)'}; Ctrl-C ends it")
    if open_it:
        click.launch(address)
    _serve(app, listener)


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if os.name == "posix":  # elsewhere this would let two servers share the port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_ADDRESS, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            fail(
                f"port {port} is taken, perhaps by another dashboard: http://{_ADDRESS}:{port}/ . "
                "Choose another with --port, or any free one: fiftytwo serve --port 0"
            )
        if error.errno == errno.EACCES:
            fail(f"port {port} may not be used by you; choose one from 1024 on: fiftytwo serve --port {PORT}")
        raise
    return listener


def _serve(app: Dashboard, listener: socket.socket) -> None:
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, lifespan="on", server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS, ws="none", proxy_headers=False,
    )  # fmt: skip
    server = _Server(config)
    server.app = app
    with contextlib.suppress(KeyboardInterrupt):  # raised again by the server once everything has ended
        server.run(sockets=[listener])
    click.echo("ended")


class _Server(uvicorn.Server):
    """Ends the streams of open pages as soon as it is asked to end; they would hold it up."""

    app: Dashboard

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close everything, open pages first."""
        self.app.house.desk.hang_up()
        await super().shutdown(sockets)
