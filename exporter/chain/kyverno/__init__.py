"""What Kyverno's policies do for PVCs, whatever their kind and name, and what shows that they fail at it.

Kyverno's own status does not tell: `Ready` means that the policy is in the webhook's configuration, and a rule that
errors leaves an UpdateRequest that is `Completed` (1.13 to 1.17) or gone within seconds, and an event that lasts an
hour (kyverno `pkg/background/generate/controller.go`). What lasts is the gap, and the policy's text.
"""
