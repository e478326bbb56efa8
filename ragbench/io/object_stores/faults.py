"""What an object store answers instead of an object, in words that say what to do."""

import re
from dataclasses import dataclass
from typing import Any

from ragbench.core.errors import InputError
from ragbench.core.foreign import excerpt
from ragbench.io.object_stores.places import Place

KEYS = {
    "s3": "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or AWS_PROFILE",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "abfs": "AZURE_STORAGE_ACCOUNT_KEY, AZURE_STORAGE_SAS_TOKEN, or AZURE_CLIENT_ID and AZURE_CLIENT_SECRET",
}
"""The environment variables that hold keys, by scheme."""


@dataclass(frozen=True)
class Fault:
    """A kind of answer.

    Attributes:
        signs: what its text holds, without regard to case.
        says: what the message says; ``{keys}`` stands for the environment variables with keys.
    """

    signs: str
    says: str


PERMANENT = (
    Fault(r"expired_?token|token has expired|token expired|invalid_grant|expired credentials|TokenRefreshRequired",
          "the credentials have expired; get new ones and set {keys}"),
    Fault(r"no_such_bucket|NoSuchBucket|bucket does not exist|ContainerNotFound|container does not exist",
          "there is no bucket {bucket!r}; check the name, and the account and region of the credentials"),
    Fault(r"invalid_access_key_id|InvalidAccessKeyId|signature_does_not_match|SignatureDoesNotMatch|"
          r"unrecognized_client|invalid_client_token|InvalidToken|AuthenticationFailed|invalid_signature",
          "the store does not know these credentials; check {keys}"),
    Fault(r"no credentials|could not find credentials|missing_authentication_token|credentials.*not (?:found|available)"
          r"|Could not create a OAuth2|no valid credentials|unable to load credentials",
          "no credentials; set {keys}"),
    Fault(r"access_denied|AccessDenied|forbidden|http status 403|permission.?denied|AuthorizationPermissionMismatch|"
          r"unauthorized|http status 401|does not have storage\.",
          "the credentials have no right to {action} here; the policy must allow {rights}"),
    Fault(r"InvalidBucketName|bucket is not valid", "{bucket!r} cannot be the name of a bucket"),
    Fault(r"PermanentRedirect|http status 301|AuthorizationHeaderMalformed",
          "the bucket is in another region; set AWS_REGION to it"),
)  # fmt: skip
RIGHTS = {
    "read": "s3:GetObject and s3:ListBucket",
    "write": "s3:PutObject, s3:AbortMultipartUpload and s3:DeleteObject",
}
RIGHTS_ELSEWHERE = {"read": "reading and listing objects", "write": "creating and deleting objects"}


def permanent(error: Exception) -> Fault | None:
    """The kind of an answer that another attempt would not change; None for all others."""
    text = str(error)
    return next((fault for fault in PERMANENT if re.search(fault.signs, text, re.IGNORECASE)), None)


def said(place: Place, error: Exception, action: str, file_system: Any = None) -> InputError:
    """The error for the user.

    Args:
        place: the object or folder.
        error: what pyarrow raised.
        action: ``read`` or ``write``.
        file_system: asked once more where the first answer had no text, as those to requests of mere headers.
    """
    fault = permanent(error)
    bare = fault is None or "No response body" in str(error)
    if file_system is not None and bare and re.search(r"http status 4\d\d|No response body", str(error), re.IGNORECASE):
        fault = _listed(place, file_system) or fault
    if fault is None:
        return InputError(f"{place.url}: cannot {action} after several attempts: {_reason(error)}")
    scheme = place.scheme.removesuffix("s") if place.scheme == "abfss" else place.scheme
    rights = (RIGHTS if scheme == "s3" else RIGHTS_ELSEWHERE)[action]
    says = fault.says.format(keys=KEYS[scheme], bucket=place.bucket.partition("@")[0], action=action, rights=rights)
    return InputError(f"{place.url}: {says}")


def _listed(place: Place, file_system: Any) -> Fault | None:
    from pyarrow import fs

    try:
        file_system.get_file_info(fs.FileSelector(place.path, allow_not_found=True))
    except OSError as error:
        return permanent(error)
    return None


def _reason(error: Exception) -> str:
    """The answer of the store without ids of requests, which differ each time, on one line."""
    return excerpt(re.sub(r"\s*\((?:Request ID|trace)[^)]*\)", "", str(error)), 300) or type(error).__name__
