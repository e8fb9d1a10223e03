"""Ready pods of a Service, by a watch on its EndpointSlices: a new one is known within a second."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Mapping

import httpx2
from lightkube import AsyncClient
from lightkube.core.client import LabelSelector
from lightkube.core.exceptions import ConfigError
from lightkube.models.discovery_v1 import Endpoint
from lightkube.resources.discovery_v1 import EndpointSlice

from shared.service.logs import event

_LOG = logging.getLogger("grisaille.gateway")
_SERVICE = "kubernetes.io/service-name"
_PAUSE_SECONDS = 1.0
_WATCH_SECONDS = 60
"""After which the API server ends a watch; a longer silence means that the connection is dead."""
_FIRST_SECONDS = 5.0


def addresses(slices: Iterable[EndpointSlice], port: int) -> tuple[str, ...]:
    """URLs of the endpoints that are ready and not about to go, of all slices."""
    found = {
        f"http://[{ip}]:{port}" if one.addressType == "IPv6" else f"http://{ip}:{port}"
        for one in slices
        for endpoint in one.endpoints or ()
        if _is_ready(endpoint)
        for ip in endpoint.addresses[:1]  # more than one means the same pod (KEP-752)
    }
    return tuple(sorted(found))


def _is_ready(endpoint: Endpoint) -> bool:
    """Unknown means ready (discovery/v1, EndpointConditions)."""
    conditions = endpoint.conditions
    return conditions is None or (conditions.ready is not False and conditions.terminating is not True)


class SliceEndpoints:
    """``k8s://namespace/service:port``, by the service account's token."""

    def __init__(self, namespace: str, service: str, port: int) -> None:
        """`ValueError` where nothing says how to reach a cluster: no service account, no kubeconfig."""
        try:
            self._client = AsyncClient()
        except ConfigError as exc:
            raise ValueError(f"GRISAILLE_WORKERS=k8s://{namespace}/{service}:{port}: {exc}") from exc
        self._namespace = namespace
        self._service = service
        self._port = port
        self._urls: tuple[str, ...] = ()
        self._answered = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None

    def current(self) -> tuple[str, ...]:
        """As of the last event; while the API is away, as before."""
        return self._urls

    async def refresh(self) -> bool:
        """See that the watch runs; whether the API has answered at least once."""
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch_for_ever())
        if not self._answered.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_FIRST_SECONDS):
                    await self._answered.wait()
        return self._answered.is_set()

    async def _watch_for_ever(self) -> None:
        """List and watch, again from the start whenever the API breaks off."""
        while True:
            try:
                await self._follow(self._client)
            except TimeoutError:  # nothing happened for long, or the connection is dead
                continue
            except (httpx2.HTTPError, ValueError) as exc:  # ValueError: what came is no event
                event(_LOG, logging.WARNING, "endpoints", service=self._service, detail=str(exc))
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _follow(self, client: AsyncClient) -> None:
        """The slices of the Service, until the watch ends; raises what the client raises."""
        labels: LabelSelector = {_SERVICE: self._service}
        listing = client.list(EndpointSlice, namespace=self._namespace, labels=labels)
        slices = {_name(one): one async for one in listing}
        self._take_over(slices)
        events = client.watch(
            EndpointSlice,
            namespace=self._namespace,
            labels=labels,
            resource_version=listing.resourceVersion,
            server_timeout=_WATCH_SECONDS,
        )
        iterator = aiter(events)
        while True:
            async with asyncio.timeout(2 * _WATCH_SECONDS):
                kind, one = await anext(iterator)
            if kind == "DELETED":
                slices.pop(_name(one), None)
            else:
                slices[_name(one)] = one
            self._take_over(slices)

    def _take_over(self, slices: Mapping[str, EndpointSlice]) -> None:
        self._urls = addresses(slices.values(), self._port)
        self._answered.set()


def _name(one: EndpointSlice) -> str:
    assert one.metadata is not None
    assert one.metadata.name is not None
    return one.metadata.name
