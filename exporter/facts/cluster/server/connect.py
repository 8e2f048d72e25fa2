"""Finding the API server and the credentials for it, as kubectl does."""

import difflib
import os
import ssl
import warnings
from pathlib import Path

import urllib3
from urllib3.exceptions import InsecureRequestWarning

from exporter.facts.cluster.server.official import (
    ApiClient,
    ConfigException,
    Configuration,
    list_kube_config_contexts,
    load_incluster_config,
    load_kube_config,
)
from exporter.facts.cluster.server.transport import ReadError
from exporter.facts.reading import Reason

IN_POD = "this pod's own cluster"
"""Stands for a context where there is no kubeconfig."""
_HOME = "~/.kube/config"
_STRICT = ssl.VERIFY_X509_STRICT


def connect(kubeconfig: str = "", context: str = "") -> ApiClient:
    """The official client, set up from a kubeconfig, or from inside a pod where there is none.

    *kubeconfig* goes before the environment's `KUBECONFIG`, that before `~/.kube/config`; *context* is one of its
    contexts (empty: the current one). The user's file is never written to.

    Raises:
        ReadError: nothing says where the API server is, or what says so cannot be used.
    """
    configuration = Configuration()
    context_of(kubeconfig, context)
    file = _file(kubeconfig)
    try:
        if file is None:
            load_incluster_config(client_configuration=configuration)
        else:
            load_kube_config(file, context or None, configuration, persist_config=False)
    except ConfigException as error:
        raise _refusal(_no_kubeconfig() if file is None else f"{file} names no usable cluster: {error}") from None
    except Exception as error:  # noqa: BLE001 - a broken file raises whatever its parser does, and may quote a token
        raise _refusal(f"{file} could not be used as a kubeconfig: {type(error).__name__}") from None
    if not configuration.verify_ssl:
        # The kubeconfig asks for it; kubectl does not repeat that at every request either.
        warnings.simplefilter("ignore", InsecureRequestWarning)
    client = ApiClient(configuration)
    _verify_as_kubectl_does(client)
    return client


def context_of(kubeconfig: str = "", context: str = "") -> str:
    """The name of the context that `connect` takes.

    Raises:
        ReadError: there is no such context, or no kubeconfig that could name one.
    """
    file = _file(kubeconfig)
    if file is None:
        if context:
            raise _refusal(f"context {context!r} cannot be looked up: {_no_kubeconfig()}")
        return IN_POD
    missing = [part for part in file.split(os.pathsep) if part and not Path(part).expanduser().is_file()]
    if missing and len(missing) == len([part for part in file.split(os.pathsep) if part]):
        what = "is no file" if Path(missing[0]).expanduser().exists() else "there is no such kubeconfig"
        raise _refusal(f"{missing[0]}: {what}")
    try:
        contexts, current = list_kube_config_contexts(file)
    except ConfigException as error:
        if not context:
            raise _refusal(f"{file} names no usable cluster: {error}") from None
        return context
    except Exception as error:  # noqa: BLE001 - as above
        raise _refusal(f"{file} could not be used as a kubeconfig: {type(error).__name__}") from None
    names = [str(one.get("name", "")) for one in contexts]
    if context and context not in names:
        near = difflib.get_close_matches(context, names, n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; it has {', '.join(names[:5])}" if names else ""
        raise _refusal(f"{file} has no context {context!r}{hint}")
    return context or str(current.get("name", ""))


def _file(kubeconfig: str) -> str | None:
    """The kubeconfig to read; None where there is none, as inside a pod."""
    named = kubeconfig or os.environ.get("KUBECONFIG", "")
    return named or (_HOME if Path(_HOME).expanduser().is_file() else None)


def _no_kubeconfig() -> str:
    return f"there is no kubeconfig ({_HOME}, $KUBECONFIG) and this is no pod"


def _refusal(detail: str) -> ReadError:
    return ReadError(Reason.CONNECTION, detail, unreachable=True)


def _verify_as_kubectl_does(client: ApiClient) -> None:
    """Accept what Go's TLS accepts: authorities without a key usage (EKS, microk8s), and those that are not roots.

    From Python 3.13 on urllib3 checks certificates against the letter of RFC 5280 (urllib3 2.4.0, `util/ssl_.py`).
    """
    pool = client.rest_client.pool_manager
    required = pool.connection_pool_kw.get("cert_reqs") != ssl.CERT_NONE
    context = urllib3.util.create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED if required else ssl.CERT_NONE)
    context.verify_flags = (context.verify_flags & ~_STRICT) | ssl.VERIFY_X509_PARTIAL_CHAIN
    pool.connection_pool_kw["ssl_context"] = context
