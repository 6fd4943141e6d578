"""What stands for a network address in limits: a keyed hash, so that no address is stored."""

import hashlib
import hmac
import ipaddress


def stand_in(host: str, secret_key: str) -> str:
    """The same for every address of one household; "" where nothing can be said.

    "" for loopback: a proxy that does not tell whom it speaks for, and all members would share one limit. An IPv6 site has
    a whole /64 to choose from: it counts as one.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    if address.is_loopback:
        return ""
    network = f"{address}/{64 if address.version == 6 else 32}"
    text = str(ipaddress.ip_network(network, strict=False)).encode()
    return hmac.new(secret_key.encode(), b"source:" + text, hashlib.sha256).hexdigest()
