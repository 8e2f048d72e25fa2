"""Finding the API server and the credentials for it, as kubectl does."""

import os
import warnings
from pathlib import Path

from urllib3.exceptions import InsecureRequestWarning

from exporter.facts.cluster.server.official import (
    ApiClient,
    ConfigException,
    Configuration,
    load_incluster_config,
    load_kube_config,
)
from exporter.facts.cluster.server.transport import ReadError
from exporter.facts.reading import Reason

_HOME = "~/.kube/config"


def connect(kubeconfig: str = "", context: str = "") -> ApiClient:
    """The official client, set up from a kubeconfig, or from inside a pod where there is none.

    *kubeconfig* goes before the environment's `KUBECONFIG`, that before `~/.kube/config`; *context* is one of its
    contexts (empty: the current one). The user's file is never written to.

    Raises:
        ReadError: nothing says where the API server is, or what says so cannot be used.
    """
    configuration = Configuration()
    file = kubeconfig or os.environ.get("KUBECONFIG", "") or _HOME
    inside = not kubeconfig and not os.environ.get("KUBECONFIG") and not Path(_HOME).expanduser().is_file()
    try:
        if inside:
            load_incluster_config(client_configuration=configuration)
        else:
            load_kube_config(file, context or None, configuration, persist_config=False)
    except ConfigException as error:
        where = "in this pod, and there is no kubeconfig" if inside else f"in {file}"
        raise ReadError(
            Reason.CONNECTION, f"no usable cluster configuration {where}: {error}", unreachable=True
        ) from None
    except Exception as error:  # noqa: BLE001 - a broken file raises whatever its parser does, and may quote a token
        detail = f"{file} could not be used: {type(error).__name__}"
        raise ReadError(Reason.CONNECTION, detail, unreachable=True) from None
    if not configuration.verify_ssl:
        # The kubeconfig asks for it; kubectl does not repeat that at every request either.
        warnings.simplefilter("ignore", InsecureRequestWarning)
    return ApiClient(configuration)
