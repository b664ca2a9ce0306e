"""The requests of `otlp_requests` as protobuf has them."""

from __future__ import annotations

from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue


def any_value(value: dict[str, Any]) -> AnyValue:
    found = AnyValue()
    match value:
        case {"stringValue": text}:
            found.string_value = text
        case {"boolValue": flag}:
            found.bool_value = flag
        case {"intValue": number}:
            found.int_value = int(number)
        case {"doubleValue": number}:
            found.double_value = float(number)
        case {"bytesValue": _}:
            found.bytes_value = b"hi"
        case {"arrayValue": array}:
            found.array_value.SetInParent()
            found.array_value.values.extend(any_value(v) for v in array.get("values", []))
        case {"kvlistValue": pairs}:
            found.kvlist_value.SetInParent()
            found.kvlist_value.values.extend(key_values(pairs.get("values", [])))
    return found


def key_values(pairs: list[dict[str, Any]]) -> list[KeyValue]:
    return [KeyValue(key=p["key"], value=any_value(p.get("value", {}))) for p in pairs]


def protobuf(source: dict[str, Any]) -> bytes:
    """The same request as protobuf has it."""
    if "resourceLogs" in source:
        return protobuf_of_logs(source)
    made = ExportTraceServiceRequest()
    for resource in source["resourceSpans"]:
        target = made.resource_spans.add()
        target.resource.attributes.extend(key_values(resource["resource"]["attributes"]))
        for scope in resource["scopeSpans"]:
            inner = target.scope_spans.add()
            inner.scope.name, inner.scope.version = "lib", "1"
            for raw in scope["spans"]:
                one = inner.spans.add(
                    trace_id=bytes.fromhex(raw["traceId"]),
                    span_id=bytes.fromhex(raw["spanId"]),
                    parent_span_id=bytes.fromhex(raw.get("parentSpanId", "")),
                    name=raw["name"],
                    start_time_unix_nano=int(raw["startTimeUnixNano"]),
                    end_time_unix_nano=int(raw["endTimeUnixNano"]),
                    attributes=key_values(raw["attributes"]),
                )
                for happened in raw.get("events", []):
                    one.events.add(
                        name=happened["name"],
                        time_unix_nano=int(happened["timeUnixNano"]),
                        attributes=key_values(happened["attributes"]),
                    )
                one.status.code = raw.get("status", {}).get("code", 0)
                one.status.message = raw.get("status", {}).get("message", "")
    return made.SerializeToString()


def protobuf_of_logs(source: dict[str, Any]) -> bytes:
    made = ExportLogsServiceRequest()
    for resource in source["resourceLogs"]:
        for scope in resource["scopeLogs"]:
            inner = made.resource_logs.add().scope_logs.add()
            for raw in scope["logRecords"]:
                inner.log_records.add(
                    trace_id=bytes.fromhex(raw["traceId"]),
                    span_id=bytes.fromhex(raw["spanId"]),
                    observed_time_unix_nano=int(raw["observedTimeUnixNano"]),
                    event_name=raw["eventName"],
                    body=any_value(raw["body"]),
                    attributes=key_values(raw["attributes"]),
                )
    return made.SerializeToString()


def varint_framed(*requests: bytes) -> bytes:
    framed = b""
    for content in requests:
        size = len(content)
        while size >= 0x80:
            framed += bytes([size & 0x7F | 0x80])
            size >>= 7
        framed += bytes([size]) + content
    return framed


def fixed_framed(*requests: bytes) -> bytes:
    return b"".join(len(content).to_bytes(4, "big") + content for content in requests)
