# SPDX-License-Identifier: Apache-2.0
"""A neighbour that does not answer, or answers what it should not."""

from hummingbird.errors.base import (
    BadRequest,
    Conflict,
    HummingbirdError,
    NotAuthenticated,
    Unavailable,
)


class KubernetesUnavailable(Unavailable):
    code = "hummingbird.kubernetes.unavailable"
    sentence = "The Kubernetes API does not answer: {message}"


class KubeconfigUnusable(KubernetesUnavailable):
    """There is nobody to ask before somebody changes the file or names another one."""

    code = "hummingbird.kubernetes.kubeconfig_unusable"
    sentence = (
        "No cluster can be reached: the kubeconfig {path} {message}. [kubernetes]kubeconfig"
        " names the file, else $KUBECONFIG."
    )
    worth_a_retry = False


class KubernetesRefused(HummingbirdError):
    code = "hummingbird.kubernetes.refused"
    sentence = "Kubernetes refused to {action}: {message}"


class FaultManagerUnavailable(Unavailable):
    code = "hummingbird.fm.unavailable"
    sentence = "StarlingX's fault management does not answer: {message}"


class FaultManagerRefused(HummingbirdError):
    code = "hummingbird.fm.refused"
    sentence = "StarlingX's fault management does not take a message: {message}"


class SysinvUnavailable(Unavailable):
    code = "hummingbird.sysinv.unavailable"
    sentence = "sysinv does not answer: {message}"


class SysinvBusy(Unavailable):
    code = "hummingbird.sysinv.busy"
    sentence = "{passages} requests are with sysinv already; retry in a moment."


class SysinvUrlInvalid(HummingbirdError):
    code = "hummingbird.sysinv.url_invalid"
    sentence = (
        "[sysinv]upstream is no URL as http://controller:6385 or https://…: {url}"
    )


class SysinvIdsMayClash(HummingbirdError):
    code = "hummingbird.sysinv.ids_may_clash"
    sentence = (
        "[sysinv]upstream is set, but these hosts were added when ids still began at 1, "
        "and sysinv may have given theirs to its own: {hostnames}. Delete them and add "
        "them again."
    )


class ConductorUnavailable(Unavailable):
    code = "hummingbird.conductor.unavailable"
    sentence = "No conductor answers: {message}"


class DatabaseUnavailable(Unavailable):
    code = "hummingbird.database.unavailable"
    sentence = "The database does not answer: {message}"


class DatabaseBusy(DatabaseUnavailable):
    """Nothing was changed: the work may be done again as a whole."""

    code = "hummingbird.database.busy"
    sentence = "The database is busy: {message}"


class TransactionConflict(DatabaseBusy):
    """The database undid one of two transactions that were in each other's way."""

    code = "hummingbird.database.conflict"
    sentence = "Another change was in the way: {message}"


class DatabaseDamaged(DatabaseUnavailable):
    """What is stored can't be read any more; trying again changes nothing."""

    code = "hummingbird.database.damaged"
    sentence = "The database is damaged ({message}): {remedy}."
    worth_a_retry = False


class LeaseNotHeld(Conflict):
    """What was to be written is left: another process acts now, or may by now."""

    code = "hummingbird.lease.not_held"
    sentence = "This process does not hold the lease {lease}; nothing was written."


class SchemaTooOld(HummingbirdError):
    code = "hummingbird.database.schema_too_old"
    sentence = (
        "The database's schema is at {found}, this release needs {wanted}, and "
        "[database]upgrade_at_start is off: run hummingbird db-sync first."
    )


class SchemaTooNew(HummingbirdError):
    code = "hummingbird.database.schema_too_new"
    sentence = (
        "The database's schema is at {found}, which takes processes of {floor} and later; "
        "this one is of {wanted}. Upgrade it."
    )


class TokenRefused(NotAuthenticated):
    code = "hummingbird.agent.token_refused"
    sentence = "The service-account token was refused: {message}"


class SessionUnknown(NotAuthenticated):
    code = "hummingbird.agent.session_unknown"
    sentence = "The session is not known or has ended; start a new one."


class ReportInvalid(BadRequest):
    code = "hummingbird.agent.report_invalid"
    sentence = "{message}"


class FactsBaseUnknown(Conflict):
    """A delta is no use: the agent must say everything again."""

    code = "hummingbird.agent.base_unknown"
    sentence = "What this change builds on is not known here; send a full one."
