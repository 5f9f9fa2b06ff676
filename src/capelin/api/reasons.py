"""Condition types and reasons that more than one kind reports. What only one kind reports stands beside that kind."""

from __future__ import annotations

# Condition types.
AVAILABLE_CONDITION = "Available"
READY_CONDITION = "Ready"
UP_TO_DATE_CONDITION = "UpToDate"
MACHINES_READY_CONDITION = "MachinesReady"
MACHINES_UP_TO_DATE_CONDITION = "MachinesUpToDate"
ROLLING_OUT_CONDITION = "RollingOut"
SCALING_UP_CONDITION = "ScalingUp"
SCALING_DOWN_CONDITION = "ScalingDown"
REMEDIATING_CONDITION = "Remediating"
DELETING_CONDITION = "Deleting"
PAUSED_CONDITION = "Paused"
INFRASTRUCTURE_READY_CONDITION = "InfrastructureReady"

# Reasons of the types above, per type: it holds, it does not, nobody knows.
AVAILABLE_REASON = "Available"
NOT_AVAILABLE_REASON = "NotAvailable"
AVAILABLE_UNKNOWN_REASON = "AvailableUnknown"
READY_REASON = "Ready"
NOT_READY_REASON = "NotReady"
READY_UNKNOWN_REASON = "ReadyUnknown"
UP_TO_DATE_REASON = "UpToDate"
NOT_UP_TO_DATE_REASON = "NotUpToDate"
UP_TO_DATE_UNKNOWN_REASON = "UpToDateUnknown"
ROLLING_OUT_REASON = "RollingOut"
NOT_ROLLING_OUT_REASON = "NotRollingOut"
ROLLING_OUT_UNKNOWN_REASON = "RollingOutUnknown"
SCALING_UP_REASON = "ScalingUp"
NOT_SCALING_UP_REASON = "NotScalingUp"
SCALING_UP_UNKNOWN_REASON = "ScalingUpUnknown"
SCALING_DOWN_REASON = "ScalingDown"
NOT_SCALING_DOWN_REASON = "NotScalingDown"
SCALING_DOWN_UNKNOWN_REASON = "ScalingDownUnknown"
REMEDIATING_REASON = "Remediating"
NOT_REMEDIATING_REASON = "NotRemediating"
DELETING_REASON = "Deleting"
NOT_DELETING_REASON = "NotDeleting"
DELETION_COMPLETED_REASON = "DeletionCompleted"
PAUSED_REASON = "Paused"
NOT_PAUSED_REASON = "NotPaused"
PROVISIONED_REASON = "Provisioned"
NOT_PROVISIONED_REASON = "NotProvisioned"

NO_REPLICAS_REASON = "NoReplicas"
"""There is no Machine whose state could be summed up."""

WAITING_FOR_REPLICAS_SET_REASON = "WaitingForReplicasSet"
"""`spec.replicas` is not set yet."""

WAITING_FOR_CLUSTER_INFRASTRUCTURE_READY_REASON = "WaitingForClusterInfrastructureReady"
"""The cluster's infrastructure is not provisioned yet."""

WAITING_FOR_CONTROL_PLANE_INITIALIZED_REASON = "WaitingForControlPlaneInitialized"
"""The cluster has no control plane yet that answers."""

WAITING_FOR_BOOTSTRAP_DATA_REASON = "WaitingForBootstrapData"
"""The Machine's bootstrap data is not there yet."""

INTERNAL_ERROR_REASON = "InternalError"
"""The pass failed before it could find out; the message says how, and the next pass tries again."""

OBJECT_DOES_NOT_EXIST_REASON = "ObjectDoesNotExist"
"""A referenced object has never been there, as far as anybody knows."""

OBJECT_DELETED_REASON = "ObjectDeleted"
"""A referenced object was there and is gone."""

INVALID_CONDITION_REPORTED_REASON = "InvalidConditionReported"
"""A referenced object reports a condition that cannot be read."""

CONNECTION_DOWN_REASON = "ConnectionDown"
"""The workload cluster has not answered for too long; what was known is no longer trusted."""

INSPECTION_FAILED_REASON = "InspectionFailed"
"""The workload cluster answered, but the question failed."""

INVALID_SPEC_REASON = "InvalidSpec"
"""The spec contradicts itself; nothing is created until it is corrected."""
