import brave.Span;
import brave.Tracing;
import brave.sampler.Sampler;
import zipkin2.reporter.AsyncReporter;
import zipkin2.reporter.SpanBytesEncoder;
import zipkin2.reporter.brave.ZipkinSpanHandler;
import zipkin2.reporter.urlconnection.URLConnectionSender;

/** Usage: SendZipkin JSON_V1|THRIFT|JSON_V2|PROTO3 PORT COUNT: that many spans, each but the first a child of it. */
public final class SendZipkin {
  public static void main(String[] arguments) {
    SpanBytesEncoder encoder = SpanBytesEncoder.valueOf(arguments[0]);
    String version = encoder == SpanBytesEncoder.JSON_V1 || encoder == SpanBytesEncoder.THRIFT ? "v1" : "v2";
    int count = Integer.parseInt(arguments[2]);
    var sender = URLConnectionSender.newBuilder()
        .endpoint("http://127.0.0.1:" + arguments[1] + "/api/" + version + "/spans")
        .encoding(encoder.encoding())
        .build();
    var reporter = AsyncReporter.builder(sender).build(encoder);
    var tracing = Tracing.newBuilder()
        .localServiceName("shop")
        .traceId128Bit(true)
        .sampler(Sampler.ALWAYS_SAMPLE)
        .addSpanHandler(ZipkinSpanHandler.create(reporter))
        .build();

    var tracer = tracing.tracer();
    Span root = tracer.newTrace().name("order").kind(Span.Kind.SERVER).tag("number", "0").start();
    for (int number = 1; number < count; number++) {
      Span span = tracer.newChild(root.context()).name("query").kind(Span.Kind.CLIENT).start();
      span.tag("number", Integer.toString(number)).annotate("packed");
      span.remoteServiceName("db");
      span.remoteIpAndPort("10.0.0.5", 5432);
      if (number % 2 == 1) {
        span.error(new IllegalStateException("out of stock"));
      }
      span.finish();
    }
    root.finish();
    tracing.close();
    reporter.flush();
    reporter.close();
    sender.close();
  }
}
