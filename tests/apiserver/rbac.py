"""RBAC as the API server enforces it, over Role, ClusterRole and binding objects (kubernetes `pkg/registry/rbac`)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Rule:
    """One granted rule, for one user. *namespace* is None for a rule that holds everywhere."""

    role: str
    """`ClusterRole/name` or `Role/namespace/name`."""
    index: int
    """Its place among the role's rules."""
    namespace: str | None
    groups: tuple[str, ...]
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    names: tuple[str, ...]

    def allows(self, verb: str, group: str, resource: str, namespace: str, name: str) -> bool:
        return (
            (self.namespace is None or self.namespace == namespace)
            and _covers(self.verbs, verb)
            and _covers(self.groups, group)
            and _covers(self.resources, resource)
            and (not self.names or name in self.names)
        )


def rules_for(objects: Iterable[Mapping[str, Any]], user: str, groups: Iterable[str]) -> tuple[Rule, ...]:
    """What the bindings among *objects* grant to *user* (`system:serviceaccount:NAMESPACE:NAME` for an account)."""
    objects = list(objects)
    roles = {_role_key(obj): obj for obj in objects if obj["kind"] in ("Role", "ClusterRole")}
    rules: list[Rule] = []
    for binding in objects:
        if binding["kind"] not in ("RoleBinding", "ClusterRoleBinding"):
            continue
        space = binding["metadata"].get("namespace", "")
        if not any(_is(subject, space, user, set(groups)) for subject in binding.get("subjects") or ()):
            continue
        ref = binding["roleRef"]
        key = (ref["kind"], space if ref["kind"] == "Role" else "", ref["name"])
        if key not in roles:
            raise LookupError(f"{binding['kind']} {binding['metadata']['name']} refers to {key}, which is not given")
        scope = None if binding["kind"] == "ClusterRoleBinding" else space
        rules += [
            Rule(
                role="/".join(part for part in key if part),
                index=index,
                namespace=scope,
                groups=tuple(rule.get("apiGroups") or ()),
                resources=tuple(rule.get("resources") or ()),
                verbs=tuple(rule["verbs"]),
                names=tuple(rule.get("resourceNames") or ()),
            )
            for index, rule in enumerate(roles[key].get("rules") or ())
        ]
    return tuple(rules)


def _role_key(role: Mapping[str, Any]) -> tuple[str, str, str]:
    space = role["metadata"].get("namespace", "") if role["kind"] == "Role" else ""
    return role["kind"], space, role["metadata"]["name"]


def _is(subject: Mapping[str, Any], binding_namespace: str, user: str, groups: set[str]) -> bool:
    if subject["kind"] == "ServiceAccount":
        namespace = subject.get("namespace") or binding_namespace
        return user == f"system:serviceaccount:{namespace}:{subject['name']}"
    if subject["kind"] == "Group":
        return subject["name"] in groups
    return bool(subject["name"] == user)


def _covers(granted: tuple[str, ...], asked: str) -> bool:
    return "*" in granted or asked in granted
