"""The official client's way to an API server, without its models.

`import kubernetes.client` loads a class for every kind and every call of the API, none of which is used here: 69 MiB
against 32 MiB for the connection alone (kubernetes 36.0.3, `resource.getrusage` of a fresh process). A third of the
budget of a small cluster's exporter is what this module pays for.
"""

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

_BARE = ("kubernetes", "kubernetes.client", "kubernetes.client.models")
"""Packages whose `__init__` imports everything below them."""


def _load() -> tuple[ModuleType, ModuleType, ModuleType]:
    """The modules of the client, of its configuration, and of the ways to find one.

    A process that has imported the whole package keeps it.
    """
    names = ("kubernetes.client.api_client", "kubernetes.client.configuration", "kubernetes.config")
    spec = importlib.util.find_spec("kubernetes")
    if "kubernetes.client" in sys.modules or spec is None or spec.origin is None:
        client, configuration, config = (importlib.import_module(name) for name in names)
        return client, configuration, config
    root = Path(spec.origin).parent
    for name in _BARE:
        module = ModuleType(name)
        module.__path__ = [str(root.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = module
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, module)
    try:
        configuration = importlib.import_module("kubernetes.client.configuration")
        client = importlib.import_module("kubernetes.client.api_client")
        bare = sys.modules["kubernetes.client"]
        bare.Configuration, bare.ApiClient = configuration.Configuration, client.ApiClient  # type: ignore[attr-defined]
        return client, configuration, importlib.import_module("kubernetes.config")
    finally:
        models = sys.modules["kubernetes.client.models"]
        for name in _BARE:  # whoever imports them later gets the real ones
            del sys.modules[name]
        models.__getattr__ = _model  # type: ignore[method-assign]


def _model(name: str) -> object:
    """A model of the real package, for whoever decodes by types all the same."""
    return getattr(importlib.import_module("kubernetes.client.models"), name)


_client, _configuration, _config = _load()

ApiClient = _client.ApiClient
Configuration = _configuration.Configuration
ConfigException = _config.ConfigException
load_incluster_config = _config.load_incluster_config
load_kube_config = _config.load_kube_config
list_kube_config_contexts = _config.list_kube_config_contexts
