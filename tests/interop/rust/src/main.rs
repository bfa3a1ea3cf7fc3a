//! Usage: send COUNT PADDING: for every line on standard input that many spans and log records, and as much of a
//! counter; each span with so many bytes of padding. Says "sent" when they are.
//!
//! The SDK is told all else by its own variables, but for OTEL_EXPORTER_OTLP_CERTIFICATE, which it does not read, and:
//! SEND_EACH, a request for each span, all at one time; SEND_KEEPALIVE, seconds between pings. By gRPC it sends binary
//! metadata, too.
mod each;

use std::{env, error::Error, fs, io, time::Duration};

use opentelemetry::logs::{AnyValue, LogRecord, Logger, LoggerProvider};
use opentelemetry::metrics::MeterProvider;
use opentelemetry::trace::{Span, Tracer, TracerProvider};
use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_otlp::{LogExporter, MetricExporter, RetryPolicy, SpanExporter, WithHttpConfig, WithTonicConfig};
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

type Fallible<T> = Result<T, Box<dyn Error>>;

fn main() -> Fallible<()> {
    let arguments: Vec<String> = env::args().collect();
    let count: i64 = arguments[1].parse()?;
    let padding = "x".repeat(arguments[2].parse()?);
    // Tonic works within the runtime; the SDK has threads of its own.
    let runtime = tokio::runtime::Runtime::new()?;
    let _guard = runtime.enter();
    let (spans, metrics, logs) = exporters()?;
    let tracers = if env::var("SEND_EACH").is_ok() {
        SdkTracerProvider::builder().with_span_processor(each::Each::new(spans, runtime.handle().clone()))
    } else {
        SdkTracerProvider::builder().with_batch_exporter(spans)
    }
    .build();
    let meters = SdkMeterProvider::builder().with_periodic_exporter(metrics).build();
    let loggers = SdkLoggerProvider::builder().with_batch_exporter(logs).build();

    let tracer = tracers.tracer("interop");
    let orders = meters.meter("interop").u64_counter("orders").build();
    let logger = loggers.logger("interop");
    let tags = Value::Array(Array::String(vec![StringValue::from("a"), StringValue::from("b")]));
    let mut number = 0;
    for line in io::stdin().lines() {
        line?;
        for _ in 0..count {
            let mut span = tracer.start("order");
            span.set_attributes([
                KeyValue::new("number", number),
                KeyValue::new("ratio", 0.5),
                KeyValue::new("paid", true),
                KeyValue::new("tags", tags.clone()),
                KeyValue::new("padding", padding.clone()),
            ]);
            span.add_event("packed", vec![KeyValue::new("boxes", 2)]);
            span.end();
            orders.add(1, &[]);
            let mut record = logger.create_log_record();
            record.set_body(AnyValue::from(format!("order {number}")));
            record.add_attribute("number", number);
            logger.emit(record);
            number += 1;
        }
        for flushed in [tracers.force_flush(), meters.force_flush(), loggers.force_flush()] {
            if let Err(error) = flushed {
                eprintln!("{error}");
            }
        }
        println!("sent");
    }
    tracers.shutdown()?;
    meters.shutdown()?;
    loggers.shutdown()?;
    Ok(())
}

fn exporters() -> Fallible<(SpanExporter, MetricExporter, LogExporter)> {
    Ok(if env::var("OTEL_EXPORTER_OTLP_PROTOCOL")? == "grpc" {
        let channel = channel()?;
        (
            over_grpc(SpanExporter::builder().with_tonic(), &channel).build()?,
            over_grpc(MetricExporter::builder().with_tonic(), &channel).build()?,
            over_grpc(LogExporter::builder().with_tonic(), &channel).build()?,
        )
    } else {
        (
            SpanExporter::builder().with_http().with_retry_policy(patience()).build()?,
            MetricExporter::builder().with_http().with_retry_policy(patience()).build()?,
            LogExporter::builder().with_http().with_retry_policy(patience()).build()?,
        )
    })
}

fn over_grpc<B: WithTonicConfig>(builder: B, channel: &Channel) -> B {
    let mut metadata = MetadataMap::new();
    metadata.insert_bin("shop-bin", MetadataValue::from_bytes(&[0, 1, 255]));
    builder.with_channel(channel.clone()).with_metadata(metadata).with_retry_policy(patience())
}

/// For a collector that takes a second or two to come back; the SDK's own three retries are over before.
fn patience() -> RetryPolicy {
    RetryPolicy::recommended().with_max_retries(20)
}

fn channel() -> Fallible<Channel> {
    let mut endpoint = Endpoint::from_shared(env::var("OTEL_EXPORTER_OTLP_ENDPOINT")?)?;
    if let Ok(milliseconds) = env::var("OTEL_EXPORTER_OTLP_TIMEOUT") {
        endpoint = endpoint.timeout(Duration::from_millis(milliseconds.parse()?));
    }
    if let Ok(seconds) = env::var("SEND_KEEPALIVE") {
        let interval = Duration::from_secs_f64(seconds.parse()?);
        endpoint = endpoint.http2_keep_alive_interval(interval).keep_alive_while_idle(true);
    }
    if let Ok(file) = env::var("OTEL_EXPORTER_OTLP_CERTIFICATE") {
        let authority = Certificate::from_pem(fs::read(file)?);
        endpoint = endpoint.tls_config(ClientTlsConfig::new().ca_certificate(authority))?;
    }
    Ok(endpoint.connect_lazy())
}
