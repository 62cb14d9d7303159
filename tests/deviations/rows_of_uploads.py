"""Deviations of uploads and of the media library."""

from __future__ import annotations

from typing import Final

from tests.deviations import scenarios
from tests.deviations.plays import (
    MEDIA,
    PUT,
    RESERVE,
    all_items,
    answered,
    by_name,
    dropped,
    error_body,
    fields,
    items,
    page,
)
from tests.deviations.plays_of_bytes import moved
from tests.deviations.plays_of_chat import processing_at_first
from tests.deviations.plays_of_lists import quiet_status
from tests.deviations.row import Row

EXPIRED: Final = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
HEADER_MISSING: Final = "<Error><Code>MissingSecurityHeader</Code></Error>"

ROWS: Final = (
    Row(
        name="put_403_xml",
        trax="The storage refuses a file with 403 and XML.",
        play=answered(PUT, 403, EXPIRED, kind="application/xml"),
        calls=scenarios.UPLOAD,
        person=(
            "upload_media: The storage answered the upload with HTTP 403 (AccessDenied), so the file wasn't uploaded. Its place in the media library stays empty.",
        ),
        model=(
            "upload_media: upload_failed, not_applied: The storage answered the upload with HTTP 403 (AccessDenied), so the file wasn't uploaded. Its place in the media library stays empty. Tell the user the reason before you call again.",
        ),
        sent=("POST media", "PUT"),
    ),
    Row(
        name="put_307",
        trax="The storage redirects a file.",
        play=moved(PUT, 307, "https://eu.storage.example/bucket?key=secret"),
        calls=scenarios.UPLOAD,
        person=(
            "upload_media: The storage redirects the upload, which isn't followed: HTTP 307, so the file wasn't uploaded. Its place in the media library stays empty.",
        ),
        model=(
            "upload_media: upload_failed, not_applied: The storage redirects the upload, which isn't followed: HTTP 307, so the file wasn't uploaded. Its place in the media library stays empty. Tell the people who run this TRaX.",
        ),
        sent=("POST media", "PUT"),
    ),
    Row(
        name="put_required_headers",
        trax="The storage refuses a file that lacks a header.",
        play=answered(PUT, 400, HEADER_MISSING, kind="application/xml"),
        calls=scenarios.UPLOAD,
        person=(
            "upload_media: The storage answered the upload with HTTP 400 (MissingSecurityHeader), so the file wasn't uploaded. Its place in the media library stays empty.",
        ),
        model=(
            "upload_media: upload_failed, not_applied: The storage answered the upload with HTTP 400 (MissingSecurityHeader), so the file wasn't uploaded. Its place in the media library stays empty. Tell the user the reason before you call again.",
        ),
        sent=("POST media", "PUT"),
    ),
    Row(
        name="put_relative_url",
        trax="Gives a path in place of an address for the file.",
        play=fields(RESERVE, uploadUrl="/uploads/token-of-an-upload"),
        calls=scenarios.UPLOAD,
        person=(
            "upload_media: TRaX gave an upload address that isn't a whole URL, so the file wasn't uploaded. Its place in the media library stays empty.",
        ),
        model=(
            "upload_media: bad_answer, not_applied: TRaX gave an upload address that isn't a whole URL, so the file wasn't uploaded. Its place in the media library stays empty. Tell the people who run this TRaX.",
        ),
        sent=("POST media",),
    ),
    Row(
        name="put_no_url",
        trax="Gives no address for the file.",
        play=fields(RESERVE, uploadUrl=...),
        calls=scenarios.UPLOAD,
        person=(
            "upload_media: TRaX accepted the call, but its answer has no `uploadUrl`. It took effect.",
        ),
        model=(
            "upload_media: bad_answer, applied: TRaX accepted the call, but its answer to create_media_upload has no `uploadUrl`. It took effect. Check with list_media before anything else. Run `trax-mcp doctor`.",
        ),
        sent=("POST media",),
    ),
    Row(
        name="put_unreachable",
        trax="The storage closes each connection.",
        play=dropped(PUT, times=None),
        calls=scenarios.UPLOAD,
        person=(
            "upload_media: The connection to the storage broke. It's unclear whether the file arrived.",
        ),
        model=(
            "upload_media: unreachable, unknown: The connection to the storage broke. It's unclear whether the file arrived. Check with list_media before anything else.",
        ),
        sent=("POST media", "PUT", "PUT"),
        passes=True,
    ),
    Row(
        name="put_503_once",
        trax="The storage answers the first PUT with 503.",
        play=answered(
            PUT, 503, "<Error><Code>SlowDown</Code></Error>", kind="application/xml", times=1
        ),
        calls=scenarios.UPLOAD,
        sent=("POST media", "PUT", "PUT"),
        passes=True,
    ),
    Row(
        name="put_503",
        trax="The storage answers each PUT with 503.",
        play=answered(PUT, 503, "<Error><Code>SlowDown</Code></Error>", kind="application/xml"),
        calls=scenarios.UPLOAD,
        person=(
            "upload_media: The storage answered the upload with HTTP 503 (SlowDown), so the file wasn't uploaded. Its place in the media library stays empty.",
        ),
        model=(
            "upload_media: upload_failed, not_applied, call again: The storage answered the upload with HTTP 503 (SlowDown), so the file wasn't uploaded. Its place in the media library stays empty. Call again to retry.",
        ),
        sent=("POST media", "PUT", "PUT"),
        passes=True,
    ),
    Row(
        name="media_never_ready",
        trax="Never has the file ready.",
        play=all_items(MEDIA, status="UPLOADING"),
        calls=scenarios.UPLOAD,
        person=(
            'upload_media: Uploaded the file "intro.mp4" to the media library. TRaX is still processing it.',
        ),
        model=(
            "upload_media: message=Don't upload it again. list_media shows when it's READY., status=UPLOADING",
        ),
        sent=("POST media", "PUT"),
    ),
    Row(
        name="media_data_null_ids",
        trax="Gives files numbers as ids.",
        play=by_name("number-ids"),
        calls=scenarios.UPLOAD,
        model=("upload_media: id=101",),
        sent=("POST media", "PUT"),
    ),
    Row(
        name="media_status_processing",
        trax="Says PROCESSING for a while.",
        play=processing_at_first,
        calls=scenarios.UPLOAD,
        sent=("POST media", "PUT"),
    ),
    Row(
        name="media_status_lower",
        trax='Says "ready" for READY.',
        play=items(MEDIA, quiet_status),
        calls=scenarios.UPLOAD,
        person=(
            'upload_media: Uploaded the file "intro.mp4" to the media library. TRaX is still processing it.',
        ),
        model=(
            "upload_media: message=Don't upload it again. list_media shows when it's READY., status=ready",
        ),
        sent=("POST media", "PUT"),
    ),
    Row(
        name="media_failed",
        trax="Fails to process the file.",
        play=all_items(MEDIA, status="FAILED"),
        calls=scenarios.UPLOAD,
        person=(
            "upload_media: The file was uploaded, but TRaX couldn't process it. The media library lists it as FAILED.",
        ),
        model=(
            "upload_media: upload_failed, applied: The file was uploaded, but TRaX couldn't process it. The media library lists it as FAILED. Tell the user. Don't upload the same file again.",
        ),
        sent=("POST media", "PUT"),
    ),
    Row(
        name="media_null",
        trax="Answers with data: null for the files.",
        play=fields(MEDIA, data=None),
        calls=scenarios.UPLOAD,
        person=("upload_media: The file was uploaded, but the media library doesn't list it yet.",),
        model=(
            "upload_media: timeout, applied: The file was uploaded, but the media library doesn't list it yet. Don't upload it again. list_media shows when it's READY.",
        ),
        sent=("POST media", "PUT"),
    ),
    Row(
        name="html_200_reserve",
        trax="Answers a reservation with a web page and 200.",
        play=page(RESERVE),
        calls=scenarios.UPLOAD,
        person=(
            "upload_media: A page (text/html), not TRaX's API, answered the call with HTTP 200. It's unclear whether it took effect.",
        ),
        model=(
            "upload_media: bad_answer, unknown: A page (text/html), not TRaX's API, answered create_media_upload with HTTP 200. It's unclear whether it took effect. Check with list_media before anything else.",
        ),
        sent=("POST media",),
    ),
    Row(
        name="reserve_422",
        trax="Refuses a type of file, with a sentence as `detail`.",
        play=error_body(RESERVE, 422, {"detail": "Only PNG files."}),
        calls=scenarios.UPLOAD,
        person=(
            'upload_media: TRaX refused the call (HTTP 422) (TRaX says: "Only PNG files."). Nothing changed.',
        ),
        model=(
            'upload_media: bad_answer, not_applied: TRaX refused the call (HTTP 422) (TRaX says: "Only PNG files."). Nothing changed. Check the arguments.',
        ),
        sent=("POST media",),
    ),
)
