"""`turn` says by which servers a camera may reach this one through walls: none, unless asked for.

    TURN_URL, TURN_USERNAME, TURN_CREDENTIAL              a server of your own; a stun: address too
    CLOUDFLARE_TURN_KEY_ID, CLOUDFLARE_TURN_KEY_API_TOKEN  Cloudflare's
    HF_TOKEN, on a Space                                   the same, by way of fastrtc's account

Without any the program asks nobody, and visitors of the same network connect all the same.
"""

from __future__ import annotations

import asyncio
import logging
import os
from typing import Any

PATIENCE = 4.0  # seconds for the credentials to come
logger = logging.getLogger(__name__)


async def ice_servers() -> list[dict[str, Any]]:
    """RTCIceServer dictionaries for both ends, fresh for each connection; never raises."""
    if url := os.environ.get("TURN_URL"):
        return [own(url)]
    cloudflare = {"CLOUDFLARE_TURN_KEY_ID", "CLOUDFLARE_TURN_KEY_API_TOKEN"} <= os.environ.keys()
    hosted = "SPACE_ID" in os.environ and os.environ.get("HF_TOKEN")
    if not (cloudflare or hosted):
        return []
    try:
        return await asyncio.wait_for(asked(), PATIENCE)
    except Exception as error:  # of any kind, from the network or the service
        logger.warning("TURN: no credentials (%s); only near visitors connect", error)
        return []


def own(url: str) -> dict[str, Any]:
    names = {"username": "TURN_USERNAME", "credential": "TURN_CREDENTIAL"}
    known = {key: os.environ[name] for key, name in names.items() if name in os.environ}
    return {"urls": [part.strip() for part in url.split(",")], **known}


async def asked() -> list[dict[str, Any]]:
    """What fastrtc's helper is given; one server or a list of them."""
    from fastrtc.credentials import get_cloudflare_turn_credentials_async

    servers = (await get_cloudflare_turn_credentials_async())["iceServers"]
    return servers if isinstance(servers, list) else [servers]
