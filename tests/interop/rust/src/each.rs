//! A request for each span, all at one time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanExporter as _, SpanProcessor};
use tokio::{runtime::Handle, task::JoinHandle};

#[derive(Debug)]
pub struct Each {
    exporter: Arc<SpanExporter>,
    runtime: Handle,
    under_way: Mutex<Vec<JoinHandle<OTelSdkResult>>>,
}

impl Each {
    pub fn new(exporter: SpanExporter, runtime: Handle) -> Self {
        Each { exporter: Arc::new(exporter), runtime, under_way: Mutex::default() }
    }
}

impl SpanProcessor for Each {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        let exporter = self.exporter.clone();
        let export = self.runtime.spawn(async move { exporter.export(vec![span]).await });
        self.under_way.lock().unwrap().push(export);
    }

    fn force_flush(&self) -> OTelSdkResult {
        let exports: Vec<_> = self.under_way.lock().unwrap().drain(..).collect();
        self.runtime.block_on(async {
            for export in exports {
                if let Err(error) = export.await.unwrap() {
                    eprintln!("{error}");
                }
            }
        });
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        self.force_flush()
    }
}
